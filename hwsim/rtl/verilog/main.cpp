// Run the layers of a file on the array: array LAYERS RESULTS MAX_CYCLES [TRACE]
//
// This is what surrounds the array: the memories, which answer in the cycle after they were asked,
// and the host, which says where an output position's window lies in the image. What lies outside
// of the layer (ragged rows, columns and lanes) is answered with noise. The files are described in
// hwsim/rtl/files.py.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "Varray.h"
#include "verilated.h"

// ROWS, COLS, LANES, ACTIVATION, ACCUMULATOR, SKIP come from the command line of the compiler.

namespace {

const char MAGIC[] = "hwsim layers 1\n";
const char RESULTS_MAGIC[] = "hwsim results 1\n";

struct Sizes {  // in the file's order; channels and outputs are of a group
    int32_t height, width, channels, kernel_height, kernel_width, stride, padding, out_height,
        out_width, groups, outputs, bits, offset, drain, in_bits, in_signed;
    int64_t positions() const { return int64_t(out_height) * out_width; }
    int64_t terms() const { return int64_t(kernel_height) * kernel_width * channels; }
};

struct Layer {
    Sizes sizes;
    std::vector<int32_t> image;    // [row][column][group][channel]
    std::vector<int32_t> weights;  // [term][group][output]
};

// Fields of a port: Verilator has a plain integer up to 64 bits, an array of 32-bit words above.
template <class Port>
void put(Port& port, int at, int width, uint64_t value) {
    const uint64_t mask = (uint64_t(1) << width) - 1;
    port = Port((uint64_t(port) & ~(mask << at)) | (value & mask) << at);
}

template <std::size_t N>
void put(VlWide<N>& port, int at, int width, uint64_t value) {
    for (int bit = 0; bit < width;) {
        const int word = (at + bit) / 32, low = (at + bit) % 32;
        const int taken = std::min(width - bit, 32 - low);
        const uint32_t mask = uint32_t((uint64_t(1) << taken) - 1) << low;
        port[word] = (port[word] & ~mask) | (uint32_t(value >> bit) << low & mask);
        bit += taken;
    }
}

template <class Port>
uint64_t get(const Port& port, int at) {
    return uint64_t(port) >> at;
}

template <std::size_t N>
uint64_t get(const VlWide<N>& port, int at) {
    uint64_t value = 0;
    for (int bit = 0; bit < ACCUMULATOR;) {
        const int word = (at + bit) / 32, low = (at + bit) % 32;
        value |= uint64_t(port[word] >> low) << bit;
        bit += 32 - low;
    }
    return value;
}

int64_t signed_value(uint64_t bits, int width) {
    return int64_t(bits << (64 - width)) >> (64 - width);
}

class Bench {
public:
    Bench(const Layer& layer, int64_t max_cycles) : layer_(layer), s_(layer.sizes), max_(max_cycles) {
        array_.clock = 0;
        array_.start = 0;
        array_.reset = 1;
        array_.groups = s_.groups;
        array_.outputs = s_.outputs;
        array_.positions = s_.positions();
        array_.terms = s_.terms();
        array_.bits = s_.bits;
        array_.offset = s_.offset;
        array_.drain = s_.drain;
        settle();
        edge();
        array_.reset = 0;
        written_.assign(s_.groups * s_.outputs * s_.positions(), 0);
        results.assign(written_.size(), 0);
    }

    // With a trace: a line of CSV for every cycle from the one of `start`.
    void run(std::FILE* trace) {
        array_.start = 1;
        settle();
        if (trace) write_cycle(trace);
        edge();
        array_.start = 0;
        settle();
        while (array_.busy || array_.result) {
            if (array_.result) take_results();
            cycles += array_.busy;
            if (trace) write_cycle(trace);
            if (cycles > max_) throw std::runtime_error("the array does not come to an end");
            edge();
        }
        for (int times : written_)
            if (times != 1) throw std::runtime_error("an output was not written exactly once");
    }

    int64_t cycles = 0;
    std::vector<int64_t> results;  // [position][group][output]

private:
    // A rising edge: the array goes on, and the memories bring what it asked for before.
    void edge() {
        const bool weights = array_.ask_weights, activations = array_.ask_activations;
        const int64_t group = array_.ask_group, output = array_.ask_output;
        const int64_t position = array_.ask_position, term = array_.ask_term;
        const int plane = array_.ask_plane;
        array_.clock = 1;
        array_.eval();
        if (weights) read_weights(group, output, term, plane);
        if (activations) read_activations(group, position, term);
        array_.clock = 0;
        settle();
    }

    // The table of the steps' planes answers in the cycle in which it is asked.
    void settle() {
        array_.eval();
        array_.ones = SKIP ? planes_with_a_one() : noise() & 0xFFFF;
        array_.eval();
    }

    uint16_t planes_with_a_one() const {
        const int64_t first = array_.ask_output, term = array_.ask_term, group = array_.ask_group;
        const int64_t terms = std::min(term + LANES, s_.terms());
        const int64_t outputs = std::min<int64_t>(first + ROWS, s_.outputs);
        int32_t found = 0;
        if (group < s_.groups)
            for (int64_t at = term; at < terms; at++)
                for (int64_t output = first; output < outputs; output++)
                    found |= layer_.weights[(at * s_.groups + group) * s_.outputs + output];
        return uint16_t(found);
    }

    void read_weights(int64_t group, int64_t output, int64_t term, int plane) {
        for (int row = 0; row < ROWS; row++)
            for (int lane = 0; lane < LANES; lane++) {
                int64_t value = noise();
                if (output + row < s_.outputs && term + lane < s_.terms())
                    value = layer_.weights[((term + lane) * s_.groups + group) * s_.outputs +
                                           output + row];
                put(array_.weights, row * LANES + lane, 1, uint64_t(value) >> plane);
            }
    }

    void read_activations(int64_t group, int64_t position, int64_t term) {
        for (int col = 0; col < COLS; col++)
            for (int lane = 0; lane < LANES; lane++) {
                int64_t value = noise();
                if (position + col < s_.positions() && term + lane < s_.terms())
                    value = activation(group, position + col, term + lane);
                put(array_.activations, (col * LANES + lane) * ACTIVATION, ACTIVATION,
                    uint64_t(value));
            }
    }

    // The activation that a window has at a term: an address in the image, or padding.
    int64_t activation(int64_t group, int64_t position, int64_t term) const {
        const int64_t channel = term % s_.channels, tap = term / s_.channels;
        const int64_t row =
            position / s_.out_width * s_.stride - s_.padding + tap / s_.kernel_width;
        const int64_t column =
            position % s_.out_width * s_.stride - s_.padding + tap % s_.kernel_width;
        if (row < 0 || row >= s_.height || column < 0 || column >= s_.width) return 0;
        return layer_.image[((row * s_.width + column) * s_.groups + group) * s_.channels +
                            channel];
    }

    void take_results() {
        for (int row = 0; row < ROWS; row++)
            for (int col = 0; col < COLS; col++) {
                const int64_t output = array_.result_output + row;
                const int64_t position = array_.result_position + col;
                if (output >= s_.outputs || position >= s_.positions()) continue;
                const int64_t place =
                    (position * s_.groups + array_.result_group) * s_.outputs + output;
                results.at(place) = signed_value(
                    get(array_.results, (row * COLS + col) * ACCUMULATOR), ACCUMULATOR);
                written_[place]++;
            }
    }

    void write_cycle(std::FILE* trace) {
        std::fprintf(trace, "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d\n", int(cycles), array_.busy,
                     array_.ask_weights, array_.ask_activations, int(array_.ask_group),
                     int(array_.ask_output), int(array_.ask_position), int(array_.ask_term),
                     array_.ask_plane, array_.result, int(array_.result_output),
                     int(array_.result_position));
    }

    int64_t noise() {
        noise_ = noise_ * 6364136223846793005u + 1442695040888963407u;
        return int64_t(noise_ >> 33);
    }

    const Layer& layer_;
    const Sizes& s_;
    const int64_t max_;
    uint64_t noise_ = 1;
    std::vector<int> written_;
    Varray array_;
};

void read(std::FILE* file, void* target, std::size_t size) {
    if (std::fread(target, 1, size, file) != size)
        throw std::runtime_error("the layer file is cut short");
}

void write(std::FILE* file, const void* source, std::size_t size) {
    if (std::fwrite(source, 1, size, file) != size)
        throw std::runtime_error("the results could not be written");
}

Layer read_layer(std::FILE* file) {
    Layer layer;
    Sizes& s = layer.sizes;
    read(file, &s, sizeof s);
    layer.image.resize(int64_t(s.height) * s.width * s.groups * s.channels);
    read(file, layer.image.data(), 4 * layer.image.size());
    layer.weights.resize(s.terms() * s.groups * s.outputs);
    read(file, layer.weights.data(), 4 * layer.weights.size());
    return layer;
}

std::FILE* open(const char* path, const char* mode) {
    std::FILE* file = std::fopen(path, mode);
    if (!file) throw std::runtime_error(std::string(path) + " could not be opened");
    return file;
}

void run(const char* layers, const char* target, int64_t max_cycles, const char* trace_path) {
    std::FILE* in = open(layers, "rb");
    std::FILE* out = open(target, "wb");
    std::FILE* trace = trace_path ? open(trace_path, "w") : nullptr;
    char magic[sizeof MAGIC - 1];
    int32_t count;
    read(in, magic, sizeof magic);
    if (std::string(magic, sizeof magic) != MAGIC) throw std::runtime_error("no layer file");
    read(in, &count, sizeof count);
    write(out, RESULTS_MAGIC, sizeof RESULTS_MAGIC - 1);
    for (int32_t index = 0; index < count; index++) {
        const Layer layer = read_layer(in);
        Bench bench(layer, max_cycles);
        try {
            bench.run(trace);
        } catch (const std::exception& error) {
            throw std::runtime_error("layer " + std::to_string(index) + ": " + error.what());
        }
        write(out, &bench.cycles, sizeof bench.cycles);
        write(out, bench.results.data(), 8 * bench.results.size());
    }
    std::fclose(in);
    if (trace && std::fclose(trace)) throw std::runtime_error("the trace could not be written");
    if (std::fclose(out)) throw std::runtime_error("the results could not be written");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 && argc != 5) {
        std::fprintf(stderr, "usage: %s LAYERS RESULTS MAX_CYCLES [TRACE]\n", argv[0]);
        return 2;
    }
    try {
        run(argv[1], argv[2], std::atoll(argv[3]), argc == 5 ? argv[4] : nullptr);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
