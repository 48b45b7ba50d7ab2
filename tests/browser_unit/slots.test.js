import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TILE } from '../../src/webvdi/browser/viewer/payloads.js';
import {
    MAX_LOAD, SLOTS_A_ROW, loadsOf, placeOf,
} from '../../src/webvdi/browser/viewer/slots.js';

/** A run whose first tile is the nth of the screen, at an x of its own. */
const run = (slot, count, n = slot, width = count * TILE) => (
    [{ slot, count, column: 0, row: 0 }, { x: n * TILE, y: 5, width, height: TILE }]);

/** Which tile of the screen each slot gets: what the strokes do, tile by tile. */
function kept(runs) {
    const slots = new Map();
    for (const { picked, put, height } of loadsOf(runs)) {
        const carried = new Map();
        for (const { x, y, width, place } of picked) {
            assert.equal(y, 5);
            assert.ok(placeOf(place).x + width <= SLOTS_A_ROW * TILE, 'a stroke beyond the row');
            assert.ok(placeOf(place).y < height, 'a stroke beyond the canvas');
            for (let tile = 0; tile * TILE < width; tile += 1) {
                assert.ok(!carried.has(place + tile), 'a place that is taken');
                carried.set(place + tile, x / TILE + tile);
            }
        }
        assert.ok(carried.size <= MAX_LOAD);
        for (const { place, slot, tiles } of put) {
            for (const first of [place, slot]) {
                assert.ok(first % SLOTS_A_ROW + tiles <= SLOTS_A_ROW, 'a stroke beyond the row');
            }
            for (let tile = 0; tile < tiles; tile += 1) {
                slots.set(slot + tile, carried.get(place + tile));
            }
        }
    }
    return slots;
}

test('tiles from here and there with slots that follow each other are put down together', () => {
    const runs = Array.from({ length: 1024 }, (_, n) => run(70 + n, 1, 3 * n));
    const [load, ...more] = loadsOf(runs);
    assert.deepEqual([more.length, load.picked.length, load.put.length], [0, 1024, 9]);
    assert.equal(load.height, 9 * TILE);
});

test('a whole screen goes in loads of a bounded size', () => {
    const runs = Array.from({ length: 68 }, (_, n) => run(120 * n, 120));
    const loads = [...loadsOf(runs)];
    assert.equal(loads.length, 4);
    assert.ok(loads.every(({ height }) => height <= MAX_LOAD / SLOTS_A_ROW * TILE));
});

test('a tile that is cut off is picked up as far as it is there', () => {
    const [{ picked, put }] = loadsOf([run(126, 4, 0, 3 * TILE + 5)]);
    assert.deepEqual(picked.map(({ x, width }) => [x, width]), [[0, 32], [32, TILE + 5]]);
    assert.deepEqual(put, [{ place: 126, slot: 126, tiles: 2 }, { place: 128, slot: 128, tiles: 2 }]);
});

test('whatever the runs, each slot gets its tile, the last one that is meant for it', () => {
    let seed = 1;
    const below = (bound) => {
        seed = seed * 48271 % 0x7fffffff;
        return seed % bound;
    };
    for (let round = 0; round < 40; round += 1) {
        const runs = [];
        for (let n = 0, next = 0; n < 60; n += 1) {
            const count = 1 + below(255);
            const slot = below(3) ? next : below(16384 - 255);
            runs.push(run(slot, count, below(4000)));
            next = Math.min(slot + count, 16384 - 255);
        }
        const expected = new Map();
        for (const [{ slot, count }, { x }] of runs) {
            for (let tile = 0; tile < count; tile += 1) {
                expected.set(slot + tile, x / TILE + tile);
            }
        }
        assert.deepEqual(kept(runs), expected);
    }
});
