"""Written as machine code: a row of a depthwise convolution, held in registers.

A block is 64 bytes of channels, as in `msq_ref.kernels.tiles.vectors`. Every input block of a row
is loaded once and meets all taps and outputs that it belongs to. Where a row lies inside the
image, nothing branches; at the border the blocks and taps outside are left out. The number of
outputs, the taps and the stride are in the *types* of arguments: one compiled form for each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from numba import types
from numba.extending import intrinsic

from msq_ref.kernels.tiles.vectors import INT, Vectors

__all__ = ["filter_gradient", "filter_row"]

Values = list[Any]


@intrinsic
def filter_row(
    typing: Any, kind: Any, taps: Any, x: Any, w: Any, y: Any, start: Any, steps: Any, rows: Any,
    columns: Any,
) -> Any:  # fmt: skip
    """Set ``y[q] = sum_{i, j} x[i, q s + j] w[i, j]``, blocks of channels all of them.

    Taps are blocks that lie one after another.

    Parameters
    ----------
    kind : four tuples of None
        As many as there are outputs q, and steps s from one window to the next; then as the two
        numbers of `columns`, if they are known, or none.
    taps : two tuples of None
        As many as there are rows i and columns j of taps.
    x, w, y : C-contiguous arrays of one dtype, float32 or float64, read as if flat
    start : three int
        Where ``x[0, 0]``, ``w[0, 0]`` and ``y[0]`` begin.
    steps : three int
        Distances: a row and a column of `x`, an output of `y`.
    rows, columns : two int each
        First row or column of `x` that exists, and one past the last; the others count as 0.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Writer(context, builder, x, [len(part) for part in (*kind, *taps)])
        code.filter_row(signature.args[2:5], arguments[2:])
        return context.get_dummy_value()

    return types.void(kind, taps, x, w, y, start, steps, rows, columns), generate


@intrinsic
def filter_gradient(
    typing: Any, kind: Any, taps: Any, x: Any, grad: Any, sums: Any, start: Any, x_steps: Any,
    grad_steps: Any, count: Any, image: Any,
) -> Any:  # fmt: skip
    """Add ``sum_{b, p, q} x[b, p s + i - pad, q s + j - pad] grad[b, p, q]`` to ``sums[i, j]``.

    Sums are blocks that lie one after another.

    Parameters
    ----------
    kind, taps : tuples of None
        As of `filter_row`, q the positions that are added at once.
    x, grad, sums : C-contiguous arrays of one dtype, float32 or float64, read as if flat
    start : three int
        Where ``x[0, 0, 0]``, ``grad[0, 0, 0]`` and ``sums[0, 0]`` begin.
    x_steps, grad_steps : three int each
        Distances: an image, a row, a column.
    count : three int
        Images, rows of `grad`, and its columns in units of q.
    image : three int
        Height and width of an image of `x`, and the padding around it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Writer(context, builder, x, [len(part) for part in (*kind, *taps)])
        code.filter_gradient(signature.args[2:5], arguments[2:])
        return context.get_dummy_value()

    pack = start, x_steps, grad_steps, count, image
    return types.void(kind, taps, x, grad, sums, *pack), generate


class _Writer(Vectors):
    """Writes loops over blocks that are loaded once; `width` is that of all windows together."""

    def __init__(self, context: Any, builder: Any, kind: Any, sizes: list[int]) -> None:
        super().__init__(context, builder, kind)
        self.outputs, self.stride, self.low, self.high, self.rows, self.taps = sizes
        self.width = self.stride * (self.outputs - 1) + self.taps
        self.block = INT(self.lanes * self.size)

    def filter_row(self, kinds: Any, arguments: Any) -> None:
        """Write `filter_row`: for columns inside that are known, or once for all and once not."""
        arrays, (start, steps, rows, columns) = arguments[:3], arguments[3:]
        x, w, y = (
            self.address(*one) for one in zip(kinds, arrays, self.unpack(start), strict=True)
        )
        x_row, column, output = map(self.bytes, self.unpack(steps))
        top, bottom = self.unpack(rows)
        zeros = [self.constant(0.0)] * self.outputs

        def add_row(i: int, inside: Values | None, totals: Values) -> Values:
            row = self.at(x, x_row, i)

            def meet(s: int, totals: Values) -> Values:
                seen, totals = self.load(self.at(row, column, s)), list(totals)
                for q, total in enumerate(totals):
                    j = s - q * self.stride
                    if 0 <= j < self.taps:
                        tap = self.load(self.at(w, self.block, i * self.taps + j))
                        totals[q] = self.product(seen, tap, total)
                return totals

            return self.columns(meet, totals, inside)

        def sums(inside: Values | None) -> Values:
            totals = zeros
            for i in range(self.rows):
                exists = self.within(top, bottom, INT(i))
                totals = self.when(exists, partial(add_row, i, inside), totals)
            return totals

        if self.high:
            totals = sums(None)
        else:
            inside = self.unpack(columns)
            whole = self.within(inside[0], inside[1], INT(0), INT(self.width))
            totals = self.choice(whole, lambda: sums(None), lambda: sums(inside))
        for q, total in enumerate(totals):
            self.store(total, self.at(y, output, q))

    def filter_gradient(self, kinds: Any, arguments: Any) -> None:
        """Write `filter_gradient`: a sum for each tap, in registers to the end."""
        arrays, (start, x_pack, grad_pack, count, image) = arguments[:3], arguments[3:]
        builder = self.builder
        x, grad, sums = (
            self.address(*one) for one in zip(kinds, arrays, self.unpack(start), strict=True)
        )
        x_image, x_row, column = map(self.bytes, self.unpack(x_pack))
        grad_image, grad_row, output = map(self.bytes, self.unpack(grad_pack))
        images, grad_rows, groups = self.unpack(count)
        height, width, padding = self.unpack(image)
        stride, along = INT(self.stride), INT(self.stride * self.outputs)
        corner = builder.neg(padding)
        away = builder.add(builder.mul(padding, x_row), builder.mul(padding, column))

        def add_row(
            i: int, x: Any, grads: Values, inside: Values | None, totals: Values
        ) -> Values:
            row = self.at(x, x_row, i)

            def meet(s: int, totals: Values) -> Values:
                seen, totals = self.load(self.at(row, column, s)), list(totals)
                for q, one in enumerate(grads):
                    j = s - q * self.stride
                    if 0 <= j < self.taps:
                        n = i * self.taps + j
                        totals[n] = self.product(seen, one, totals[n])
                return totals

            return self.columns(meet, totals, inside)

        def add(pointers: Values, totals: Values) -> Values:
            x, grad, r, s = pointers
            grads = [self.load(self.at(grad, output, q)) for q in range(self.outputs)]
            inside = None if self.high else [builder.neg(s), builder.sub(width, s)]

            def everywhere() -> Values:
                sums = totals
                for i in range(self.rows):
                    sums = add_row(i, x, grads, None, sums)
                return sums

            def where_it_exists() -> Values:
                sums = totals
                for i in range(self.rows):
                    exists = self.within(INT(0), height, builder.add(r, INT(i)))
                    sums = self.when(exists, partial(add_row, i, x, grads, inside), sums)
                return sums

            whole = self.within(INT(0), height, r, builder.add(r, INT(self.rows)))
            if inside:
                along_row = self.within(inside[0], inside[1], INT(0), INT(self.width))
                whole = builder.and_(whole, along_row)
            return self.choice(whole, everywhere, where_it_exists)

        def add_rows(pointers: Values, totals: Values) -> Values:
            x, grad, r = pointers
            move = builder.mul(column, along), self.at(INT(0), output, self.outputs)
            return self.loop(
                groups, [x, grad, r, corner], [*move, INT(0), along], totals, add
            )

        def add_image(pointers: Values, totals: Values) -> Values:
            steps = [builder.mul(x_row, stride), grad_row, stride]
            return self.loop(grad_rows, [*pointers, corner], steps, totals, add_rows)

        zeros = [self.constant(0.0)] * (self.rows * self.taps)
        pointers = [builder.sub(x, away), grad]
        totals = self.loop(images, pointers, [x_image, grad_image], zeros, add_image)
        for n, total in enumerate(totals):
            place = self.at(sums, self.block, n)
            self.store(builder.fadd(self.load(place), total), place)

    def product(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c, rounded once."""
        return self.builder.call(self.fused(), [a, b, c])

    def within(self, low: Any, high: Any, first: Any, last: Any = None) -> Any:
        """Return whether ``low <= first`` and ``last <= high``; `last` is one past the end."""
        builder = self.builder
        last = builder.add(first, INT(1)) if last is None else last
        return builder.and_(
            builder.icmp_signed("<=", low, first), builder.icmp_signed("<=", last, high)
        )

    def columns(
        self, add: Callable[[int, Values], Values], totals: Values, inside: Values | None
    ) -> Values:
        """Write ``add(s, totals)`` for all columns of the windows, or those inside."""
        for s in range(self.low, self.high or self.width):
            if inside is None:
                totals = add(s, totals)
                continue
            exists = self.within(inside[0], inside[1], INT(s))
            totals = self.when(exists, partial(add, s), totals)
        return totals

    def when(
        self, condition: Any, write: Callable[[Values], Values], totals: Values
    ) -> Values:
        """Write what makes new totals, to be done on a condition."""
        return self.choice(condition, lambda: write(totals), lambda: totals)

    def choice(
        self, condition: Any, then: Callable[[], Values], otherwise: Callable[[], Values]
    ) -> Values:
        """Write a branch; return the values of the side that was taken."""
        builder = self.builder
        sides = [builder.append_basic_block(name) for name in ("then", "otherwise")]
        after = builder.append_basic_block("after")
        builder.cbranch(condition, *sides)
        ends = []
        for side, write in zip(sides, (then, otherwise), strict=True):
            builder.position_at_end(side)
            values = write()
            ends.append((values, builder.block))
            builder.branch(after)
        builder.position_at_end(after)
        (first, one), (second, other) = ends
        return [self.join(pair, [one, other]) for pair in zip(first, second, strict=True)]

    def join(self, values: tuple[Any, ...], blocks: Values) -> Any:
        """Return the value that comes from whichever block was left last."""
        if values[0] is values[1]:
            return values[0]
        phi = self.builder.phi(values[0].type)
        for value, block in zip(values, blocks, strict=True):
            phi.add_incoming(value, block)
        return phi

    def loop(
        self, count: Any, pointers: Values, steps: Values, totals: Values,
        body: Callable[[Values, Values], Values],
    ) -> Values:  # fmt: skip
        """Write a loop, perhaps of no turns: pointers move by steps, the body makes new totals."""
        builder, before = self.builder, self.builder.block
        names = "head", "body", "after"
        head, inner, after = (builder.append_basic_block(name) for name in names)
        builder.branch(head)
        builder.position_at_end(head)
        variables = []
        for first in (INT(0), *pointers, *totals):
            variables.append(builder.phi(first.type))
            variables[-1].add_incoming(first, before)
        index, moving = variables[0], variables[1 : 1 + len(steps)]
        sums = variables[1 + len(steps) :]
        builder.cbranch(builder.icmp_signed("<", index, count), inner, after)
        builder.position_at_end(inner)
        new = body(moving, sums)
        moved = [builder.add(one, step) for one, step in zip(moving, steps, strict=True)]
        for variable, value in zip(
            variables, (builder.add(index, INT(1)), *moved, *new), strict=True
        ):
            variable.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return list(sums)
