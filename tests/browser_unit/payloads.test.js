import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ProtocolError } from '../../src/webvdi/browser/viewer/errors.js';
import { areaOf, decodeRuns, decodeSheet } from '../../src/webvdi/browser/viewer/payloads.js';
import { Codec } from '../../src/webvdi/browser/viewer/protocol.js';
import { ROOT, bytesOf, hexOf, readJson } from './helpers.js';

const vectors = readJson(new URL('tests/goldens/wire/payloads.json', ROOT));

for (const { name, codec, hex, fields, refused } of vectors) {
    const decode = codec === Codec.SHEET ? decodeSheet : decodeRuns;

    test(`${name} ${refused ? 'is refused' : 'is read'}`, () => {
        const framed = new Uint8Array([9, ...bytesOf(hex), 9]).subarray(1, -1);
        if (refused) {
            assert.throws(() => decode(framed), ProtocolError);
            return;
        }
        const decoded = decode(framed);
        if (decoded.file) {
            decoded.file = hexOf(decoded.file);
        }
        assert.deepEqual(decoded, fields);
    });
}

test('tiles end at the edges of the screen, and begin within it', () => {
    const screen = { width: 40, height: 20 };
    assert.deepEqual(areaOf({ column: 1, row: 1, slot: 0, count: 2 }, screen),
        { x: 16, y: 16, width: 24, height: 4 });
    for (const run of [[2, 0, 2], [3, 0, 1], [0, 2, 1]]) {
        const [column, row, count] = run;
        assert.throws(() => areaOf({ column, row, slot: 0, count }, screen), ProtocolError);
    }
});
