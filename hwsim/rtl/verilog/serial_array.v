// An output-stationary, weight-bit-serial array with its controller [S10.1], [S9.1].
//
// ROWS output channels x COLS output positions x LANES terms of the reduction. Weights come a bit
// plane at a time, in two's complement (signed domain) or as unsigned codes (offset domain);
// activations stay at the memory's outputs for all planes of a step. With SKIP, planes that are zero
// in all rows and lanes of a step take no cycle.
module serial_array #(
    parameter ROWS = 8,
    parameter COLS = 8,
    parameter LANES = 16,
    parameter ACTIVATION = 17,
    parameter ACCUMULATOR = 48,
    parameter SKIP = 0,
    parameter SIZE = 24
) (
    input  wire                              clock,
    input  wire                              reset,
    input  wire                              start,
    output wire                              busy,

    input  wire [SIZE-1:0]                   groups,
    input  wire [SIZE-1:0]                   outputs,
    input  wire [SIZE-1:0]                   positions,
    input  wire [SIZE-1:0]                   terms,
    input  wire [4:0]                        bits,
    input  wire                              offset,
    input  wire [12:0]                       drain,

    output wire                              ask_weights,
    output wire                              ask_activations,
    output wire [SIZE-1:0]                   ask_group,
    output wire [SIZE-1:0]                   ask_output,
    output wire [SIZE-1:0]                   ask_position,
    output wire [SIZE-1:0]                   ask_term,
    output wire [3:0]                        ask_plane,
    input  wire [15:0]                       ones,         // planes of the asked step with a one
    input  wire [ROWS*LANES-1:0]             weights,      // [row][lane], one plane
    input  wire [COLS*LANES*ACTIVATION-1:0]  activations,  // [col][lane]

    output wire                              result,
    output wire [SIZE-1:0]                   result_group,
    output wire [SIZE-1:0]                   result_output,
    output wire [SIZE-1:0]                   result_position,
    output wire [ROWS*COLS*ACCUMULATOR-1:0]  results       // [row][col]
);
    wire             work, first_step, first_plane, negative;
    wire [3:0]       plane;
    wire [LANES-1:0] lanes_on;

    controller #(
        .ROWS(ROWS),
        .COLS(COLS),
        .LANES(LANES),
        .SKIP(SKIP),
        .SIZE(SIZE)
    ) control (
        .clock(clock),
        .reset(reset),
        .start(start),
        .groups(groups),
        .outputs(outputs),
        .positions(positions),
        .terms(terms),
        .bits(bits),
        .offset(offset),
        .drain(drain),
        .ask_weights(ask_weights),
        .ask_activations(ask_activations),
        .ask_group(ask_group),
        .ask_output(ask_output),
        .ask_position(ask_position),
        .ask_term(ask_term),
        .ask_plane(ask_plane),
        .ones(ones),
        .busy(busy),
        .work(work),
        .first_step(first_step),
        .first_plane(first_plane),
        .plane(plane),
        .negative(negative),
        .lanes_on(lanes_on),
        .result(result),
        .result_group(result_group),
        .result_output(result_output),
        .result_position(result_position)
    );

    genvar row, col;
    generate
        for (col = 0; col < COLS; col = col + 1) begin : each_col
            wire [LANES*ACTIVATION-1:0] inputs =
                activations[col*LANES*ACTIVATION+:LANES*ACTIVATION];
            wire signed [ACCUMULATOR-1:0] sum;

            column_sum #(
                .LANES(LANES),
                .ACTIVATION(ACTIVATION),
                .ACCUMULATOR(ACCUMULATOR)
            ) sums (
                .clock(clock),
                .work(work && first_plane && offset),
                .first(first_step),
                .lanes_on(lanes_on),
                .activations(inputs),
                .sum(sum)
            );

            // (2^n - 1) sum x, without a multiplier.
            wire signed [ACCUMULATOR-1:0] correction = (sum <<< bits) - sum;

            for (row = 0; row < ROWS; row = row + 1) begin : each_row
                wire signed [ACCUMULATOR-1:0] accumulator;

                element #(
                    .LANES(LANES),
                    .ACTIVATION(ACTIVATION),
                    .ACCUMULATOR(ACCUMULATOR)
                ) pe (
                    .clock(clock),
                    .work(work),
                    .first(first_step && first_plane),
                    .negative(negative),
                    .plane(plane),
                    .weights(weights[row*LANES+:LANES] & lanes_on),
                    .activations(inputs),
                    .accumulator(accumulator)
                );

                assign results[(row*COLS+col)*ACCUMULATOR+:ACCUMULATOR] =
                    offset ? (accumulator <<< 1) - correction : accumulator;
            end
        end
    endgenerate
endmodule
