// The controller: five nested loops (group, outputs, positions, reduction steps, weight planes)
// and the drain between two passes.
//
// A memory answers in the cycle after it was asked, so the controller asks for what the next
// cycle needs (`ask_*`); the cycle after `start` is the first that works.
//
// With SKIP, planes that are zero in all rows and lanes of a step take no cycle: `ones` says which
// planes of the step that is asked for have a one. A step without any takes one cycle.
module controller #(
    parameter ROWS = 8,
    parameter COLS = 8,
    parameter LANES = 16,
    parameter SKIP = 0,
    parameter SIZE = 24  // bits of a layer's sizes; no sum below may overflow
) (
    input  wire             clock,
    input  wire             reset,
    input  wire             start,

    // The layer; steady while busy. No size is 0.
    input  wire [SIZE-1:0]  groups,
    input  wire [SIZE-1:0]  outputs,    // of a group
    input  wire [SIZE-1:0]  positions,
    input  wire [SIZE-1:0]  terms,      // of the reduction
    input  wire [4:0]       bits,       // of a weight, 1 to 16
    input  wire             offset,     // domain; else signed
    input  wire [12:0]      drain,      // cycles

    // To the memories, for the next cycle.
    output reg              ask_weights,
    output wire             ask_activations,  // for the first plane of a step
    output reg  [SIZE-1:0]  ask_group,
    output reg  [SIZE-1:0]  ask_output,       // of the first row
    output reg  [SIZE-1:0]  ask_position,     // of the first column
    output reg  [SIZE-1:0]  ask_term,         // of the first lane
    output wire [3:0]       ask_plane,

    // From a table of the steps, in the same cycle; not looked at without SKIP.
    input  wire [15:0]      ones,

    // To the array, for this cycle.
    output wire             busy,
    output wire             work,
    output wire             first_step,
    output reg              first_plane,      // of a step; not number 0 if that was skipped
    output reg  [3:0]       plane,
    output wire             negative,
    output wire [LANES-1:0] lanes_on,

    // The accumulators hold a pass's sums in this cycle.
    output reg              result,
    output reg  [SIZE-1:0]  result_group,
    output reg  [SIZE-1:0]  result_output,
    output reg  [SIZE-1:0]  result_position
);
    localparam [1:0] IDLE = 2'd0, WORK = 2'd1, DRAIN = 2'd2;

    reg [1:0]      phase;
    reg [SIZE-1:0] group, first_output, first_position, term;
    reg [12:0]     drained;
    reg [15:0]     left;  // planes of the step that are still to come
    reg            ask_step;

    wire last_plane = left == 0;
    wire last_step = term + LANES[SIZE-1:0] >= terms;
    wire sums_ready = work && last_plane && last_step;
    wire pass_over = (sums_ready && drain == 0) || (phase == DRAIN && drained + 13'd1 == drain);
    wire last_position = first_position + COLS[SIZE-1:0] >= positions;
    wire last_output = first_output + ROWS[SIZE-1:0] >= outputs;
    wire last_group = group + 1 == groups;

    assign busy = phase != IDLE;
    assign work = phase == WORK;
    assign first_step = term == 0;
    assign negative = {1'b0, plane} + 5'd1 == bits && !offset;
    assign ask_activations = ask_weights && ask_step;

    // The lowest plane to come, and those after it.
    wire [15:0] below = 16'hFFFF >> (5'd16 - bits);
    wire [15:0] planes = SKIP != 0 ? ones & below : below;
    wire [15:0] to_come = ask_step ? planes : left;
    wire [15:0] after = to_come & (to_come - 1);
    assign ask_plane = lowest(to_come);

    function [3:0] lowest(input [15:0] set);
        integer bit_number;
        begin
            lowest = 0;
            for (bit_number = 15; bit_number >= 0; bit_number = bit_number - 1)
                if (set[bit_number]) lowest = bit_number[3:0];
        end
    endfunction

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : each_lane
            assign lanes_on[lane] = term + lane[SIZE-1:0] < terms;
        end
    endgenerate

    // Where the loops stand in the next cycle.
    always @* begin
        ask_weights = 0;
        ask_group = group;
        ask_output = first_output;
        ask_position = first_position;
        ask_term = term;
        ask_step = last_plane;
        if (phase == IDLE) begin
            ask_weights = start;
            ask_group = 0;
            ask_output = 0;
            ask_position = 0;
            ask_term = 0;
            ask_step = 1;
        end else if (pass_over) begin
            ask_weights = !(last_position && last_output && last_group);
            ask_term = 0;
            ask_step = 1;
            ask_position = last_position ? 0 : first_position + COLS[SIZE-1:0];
            if (last_position) begin
                ask_output = last_output ? 0 : first_output + ROWS[SIZE-1:0];
                if (last_output) ask_group = group + 1;
            end
        end else if (work && !sums_ready) begin
            ask_weights = 1;
            if (last_plane) ask_term = term + LANES[SIZE-1:0];
        end
    end

    always @(posedge clock) begin
        if (reset) begin
            phase <= IDLE;
            result <= 0;
        end else begin
            if (ask_weights) phase <= WORK;
            else if (pass_over) phase <= IDLE;
            else if (sums_ready) phase <= DRAIN;
            result <= sums_ready;
        end
        drained <= phase == DRAIN ? drained + 1 : 0;
        group <= ask_group;
        first_output <= ask_output;
        first_position <= ask_position;
        term <= ask_term;
        if (ask_weights) begin
            plane <= ask_plane;
            first_plane <= ask_step;
            left <= after;
        end
        result_group <= group;
        result_output <= first_output;
        result_position <= first_position;
    end
endmodule
