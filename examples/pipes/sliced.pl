#!/usr/bin/perl
# Answers `msq gen OP` for roundclamp, dorefa, dequantize, lsb, lsb_l1_codes and bit_planes.
#
#   msq gen lsb | perl sliced.pl lsb | msq ver lsb
#
# Lines that start with # are copied, to each other line " = ANSWER" is appended.
use strict;
use warnings;
no warnings 'portable';  # hex() of more than 32 bits is meant
use POSIX qw(floor);

my $op = shift // '';

# 0x1.8p-3 is the integer 0x18 times 2^(-3 - 4): exact in double. Subnormals need two steps.
sub hex_float {
    my ($sign, $whole, $part, $exponent) =
        $_[0] =~ /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/ or die "no float: $_[0]\n";
    my $scale = $exponent - 4 * length $part;
    my $half = int($scale / 2);
    my $value = hex("$whole$part") * 2**$half * 2**($scale - $half);
    return $sign ? -$value : $value;
}

# To the nearest integer, ties to the even one [S0.1].
sub to_even {
    my $low = floor($_[0]);
    my $rest = $_[0] - $low;
    return $rest > 0.5 || ($rest == 0.5 && $low % 2) ? $low + 1 : $low;
}

# A double rounded to the type of the line.
sub rounded { return $_[0] eq 'f32' ? unpack('f', pack('f', $_[1])) : $_[1] }

sub roundclamp {
    my ($u, $bits) = @_;
    my ($code, $top) = (to_even($u * 2**$bits), 2**$bits - 1);
    return $code < $top ? $code : $top;
}

sub lsb {
    my ($u, $bits, $k) = @_;
    return roundclamp($u, $bits) - 2**$k * roundclamp($u, $bits - $k);
}

# An array is its number of axes, their lengths, then the elements.
sub take_array {
    my ($words) = @_;
    my @shape = splice @$words, 0, shift @$words;
    my $size = 1;
    $size *= $_ for @shape;
    return (\@shape, [splice @$words, 0, $size]);
}

my %answer = (
    roundclamp => sub { my ($type, $u, $bits) = @_; roundclamp(hex_float($u), $bits) },
    # One rounded product [S2.2]; of 24 and 16 bits it is exact in double. In double it is one too.
    dorefa => sub {
        my ($type, $u, $bits) = @_;
        to_even(rounded($type, (2**$bits - 1) * hex_float($u)));
    },
    # Dividing in double and rounding again is right: 53 >= 2 * 24 + 2 bits.
    dequantize => sub {
        my ($type, $code, $bits) = @_;
        sprintf '%a', rounded($type, $code / (2**$bits - 1));
    },
    lsb => sub { my ($type, $u, $bits, $k) = @_; lsb(hex_float($u), $bits, $k) },
    lsb_l1_codes => sub {
        my ($type, @words) = @_;
        my ($shape, $u) = take_array(\@words);
        my ($bits, $k) = @words;
        my $sum = 0;
        $sum += abs lsb(hex_float($_), $bits, $k) for @$u;
        $sum;
    },
    bit_planes => sub {
        my @words = @_;
        my ($shape, $codes) = take_array(\@words);
        my ($bits, $signed) = @words;
        my @planes;
        for my $j (0 .. $bits - 1) {
            push @planes, floor($_ / 2**$j) % 2 for @$codes;
        }
        join ' ', 1 + @$shape, $bits, @$shape, @planes;
    },
);

my $function = $answer{$op} or die "usage: $0 " . join('|', sort keys %answer) . "\n";
while (my $line = <STDIN>) {
    chomp $line;
    $line .= ' = ' . $function->(split ' ', $line) unless $line =~ /^#/;
    print "$line\n";
}
