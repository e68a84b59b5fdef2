// The controller: five nested loops (group, outputs, positions, reduction steps, weight planes)
// and the drain between two passes.
//
// A memory answers in the cycle after it was asked, so the controller asks for what the next
// cycle needs (`ask_*`); the cycle after `start` is the first that works.
module controller #(
    parameter ROWS = 8,
    parameter COLS = 8,
    parameter LANES = 16,
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
    output wire             ask_activations,  // in the first plane of a step
    output reg  [SIZE-1:0]  ask_group,
    output reg  [SIZE-1:0]  ask_output,       // of the first row
    output reg  [SIZE-1:0]  ask_position,     // of the first column
    output reg  [SIZE-1:0]  ask_term,         // of the first lane
    output reg  [3:0]       ask_plane,

    // To the array, for this cycle.
    output wire             busy,
    output wire             work,
    output wire             first_step,
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

    wire last_plane = {1'b0, plane} + 5'd1 == bits;
    wire last_step = term + LANES[SIZE-1:0] >= terms;
    wire sums_ready = work && last_plane && last_step;
    wire pass_over = (sums_ready && drain == 0) || (phase == DRAIN && drained + 13'd1 == drain);
    wire last_position = first_position + COLS[SIZE-1:0] >= positions;
    wire last_output = first_output + ROWS[SIZE-1:0] >= outputs;
    wire last_group = group + 1 == groups;

    assign busy = phase != IDLE;
    assign work = phase == WORK;
    assign first_step = term == 0;
    assign negative = last_plane && !offset;
    assign ask_activations = ask_weights && ask_plane == 0;

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
        ask_plane = plane;
        if (phase == IDLE) begin
            ask_weights = start;
            ask_group = 0;
            ask_output = 0;
            ask_position = 0;
            ask_term = 0;
            ask_plane = 0;
        end else if (pass_over) begin
            ask_weights = !(last_position && last_output && last_group);
            ask_term = 0;
            ask_plane = 0;
            ask_position = last_position ? 0 : first_position + COLS[SIZE-1:0];
            if (last_position) begin
                ask_output = last_output ? 0 : first_output + ROWS[SIZE-1:0];
                if (last_output) ask_group = group + 1;
            end
        end else if (work && !sums_ready) begin
            ask_weights = 1;
            ask_plane = last_plane ? 0 : plane + 1;
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
        plane <= ask_plane;
        result_group <= group;
        result_output <= first_output;
        result_position <= first_position;
    end
endmodule
