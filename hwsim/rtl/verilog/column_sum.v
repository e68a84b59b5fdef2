// The sum of a column's activations, which the outputs of the offset domain need [S9.1].
//
// It adds LANES activations in the first plane of every reduction step.
module column_sum #(
    parameter LANES = 16,
    parameter ACTIVATION = 17,
    parameter ACCUMULATOR = 48
) (
    input  wire                         clock,
    input  wire                         work,   // in the first plane of a reduction step
    input  wire                         first,  // step of a pass
    input  wire [LANES-1:0]             lanes_on,
    input  wire [LANES*ACTIVATION-1:0]  activations,
    output wire signed [ACCUMULATOR-1:0] sum
);
    // The same adder tree with every weight bit set, and no shift.
    element #(
        .LANES(LANES),
        .ACTIVATION(ACTIVATION),
        .ACCUMULATOR(ACCUMULATOR)
    ) adder (
        .clock(clock),
        .work(work),
        .first(first),
        .negative(1'b0),
        .plane(4'd0),
        .weights(lanes_on),
        .activations(activations),
        .accumulator(sum)
    );
endmodule
