// A processing element: one output channel at one position [S10.1].
//
// In a cycle it ANDs LANES weight bits of a plane with LANES activations, adds them, shifts the
// sum to the plane's place, and accumulates. The first cycle of a pass loads in place of adding,
// so that the last pass's result can be read in that same cycle.
module element #(
    parameter LANES = 16,
    parameter ACTIVATION = 17,  // bits of an activation, in two's complement
    parameter ACCUMULATOR = 48  // bits
) (
    input  wire                           clock,
    input  wire                           work,
    input  wire                           first,
    input  wire                           negative,  // the plane counts negative
    input  wire [3:0]                     plane,
    input  wire [LANES-1:0]               weights,
    input  wire [LANES*ACTIVATION-1:0]    activations,
    output reg signed [ACCUMULATOR-1:0]   accumulator
);
    localparam SUM = ACTIVATION + $clog2(LANES);

    reg signed [SUM-1:0] sum;
    integer lane;

    always @* begin
        sum = 0;
        for (lane = 0; lane < LANES; lane = lane + 1)
            if (weights[lane]) sum = sum + extended(activations[lane*ACTIVATION+:ACTIVATION]);
    end

    function signed [SUM-1:0] extended(input signed [ACTIVATION-1:0] activation);
        begin
            extended = {{(SUM - ACTIVATION + 1){activation[ACTIVATION-1]}}, activation[ACTIVATION-2:0]};
        end
    endfunction

    wire signed [ACCUMULATOR-1:0] wide = {{(ACCUMULATOR - SUM + 1){sum[SUM-1]}}, sum[SUM-2:0]};
    wire signed [ACCUMULATOR-1:0] shifted = wide <<< plane;
    wire signed [ACCUMULATOR-1:0] old = first ? 0 : accumulator;

    always @(posedge clock)
        if (work) accumulator <= negative ? old - shifted : old + shifted;
endmodule
