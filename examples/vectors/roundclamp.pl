#!/usr/bin/perl
# Reads vectors/v1/roundclamp.json and checks a RoundClamp of its own: no Python anywhere.
#
#   perl roundclamp.pl ../../vectors/v1
use strict;
use warnings;
no warnings 'portable';  # hex() of more than 32 bits is meant
use JSON::PP;
use POSIX qw(floor);

my $folder = shift // die "usage: $0 FOLDER\n";

# The integer of the digits times a power of two, in two steps for subnormals: exact.
sub hex_float {
    my ($sign, $whole, $part, $exponent) =
        $_[0] =~ /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/ or die "no float: $_[0]\n";
    my $scale = $exponent - 4 * length $part;
    my $half = int($scale / 2);
    my $value = hex("$whole$part") * 2**$half * 2**($scale - $half);
    return $sign ? -$value : $value;
}

sub roundclamp {
    my ($u, $bits) = @_;
    die "outside the domain\n" unless $u >= 0 && $u <= 1 && $bits >= 1 && $bits <= 16;
    my $low = floor($u * 2**$bits);
    my $rest = $u * 2**$bits - $low;
    my $code = $rest > 0.5 || ($rest == 0.5 && $low % 2) ? $low + 1 : $low;
    return $code < 2**$bits ? $code : 2**$bits - 1;
}

open my $file, '<', "$folder/roundclamp.json" or die "$folder: $!\n";
my $document = decode_json(do { local $/; <$file> });
my ($checked, $wrong) = (0, 0);
for my $case (@{ $document->{cases} }) {
    my %flags = map { $_ => 1 } @{ $case->{flags} };
    # No .npy here, and a type that is wrong in Python need not be wrong in Perl.
    next if $flags{Large} || $flags{WrongType};
    my ($u, $bits) = @{ $case->{arguments} }{qw(u bits)};
    my @codes = eval { map { roundclamp(hex_float($_), $bits) } @{ $u->{data} } };
    my $refused = $@ ne '';
    my $right = $case->{result} eq 'invalid'
        ? $refused
        : !$refused && "@codes" eq "@{ $case->{expected}{data} }";
    $checked++;
    next if $right;
    $wrong++;
    print "roundclamp/vectors/$case->{id}: $case->{comment}\n";
}
print "$checked cases checked, $wrong wrong\n";
exit($checked > 0 && $wrong == 0 ? 0 : 1);
