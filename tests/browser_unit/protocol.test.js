import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';

import { ProtocolError } from '../../src/webvdi/browser/viewer/errors.js';
import {
    decodeFromViewer, decodeToViewer, encodeFromViewer, encodeToViewer, textParts,
} from '../../src/webvdi/browser/viewer/protocol.js';
import { ROOT, bytesOf, hexOf, readJson } from './helpers.js';

const GOLDENS = new URL('tests/goldens/wire/', ROOT);
const BYTE_FIELDS = new Set(['payload', 'rgba']);

const vectors = readdirSync(GOLDENS).filter((name) => name.endsWith('_viewer.json'))
    .flatMap((name) => readJson(new URL(name, GOLDENS)));

/** A golden message with its byte fields as bytes. */
const withBytes = (message) => Object.fromEntries(Object.entries(message).map(([name, value]) => {
    if (BYTE_FIELDS.has(name)) {
        return [name, bytesOf(value)];
    }
    return [name, Array.isArray(value) ? value.map(withBytes) : value];
}));

const toViewer = ({ hex }) => bytesOf(hex)[0] >= 0x80;
const codec = (vector) => (toViewer(vector)
    ? [encodeToViewer, decodeToViewer] : [encodeFromViewer, decodeFromViewer]);

test('there are golden vectors of both directions', () => {
    assert.ok(vectors.some(toViewer));
    assert.ok(!vectors.every(toViewer));
});

for (const vector of vectors) {
    const [encode, decode] = codec(vector);
    const bytes = bytesOf(vector.hex);
    const message = withBytes(vector.message);

    test(`${vector.name}: both ways`, () => {
        assert.equal(hexOf(encode(message)), hexOf(bytes));
        assert.deepEqual(decode(bytes), message);
    });

    test(`${vector.name}: read in the middle of a larger buffer`, () => {
        const framed = new Uint8Array([1, 2, 3, ...bytes, 4, 5]);
        assert.deepEqual(decode(framed.subarray(3, 3 + bytes.length)), message);
    });

    test(`${vector.name}: a byte too much is an error, unless text runs to the end`, () => {
        const open = ['Text', 'Clipboard', 'GuestClipboard', 'Name'].includes(message.type);
        const longer = new Uint8Array([...bytes, 0x2e]);
        if (open) {
            assert.equal(decode(longer).type, message.type);
        } else {
            assert.throws(() => decode(longer), ProtocolError);
        }
    });

    test(`${vector.name}: cut short anywhere, it is an error or another whole message`, () => {
        for (let length = 0; length < bytes.length; length += 1) {
            try {
                const shorter = bytes.slice(0, length);
                assert.equal(hexOf(encode(decode(shorter))), hexOf(shorter));
                assert.ok(['Text', 'Clipboard', 'GuestClipboard', 'Name'].includes(message.type));
            } catch (error) {
                assert.ok(error instanceof ProtocolError, String(error));
            }
        }
    });
}

const malformed = {
    'of an unknown type': 'ff',
    'of the other direction': '0400000001',
    'that is empty': '',
    'with an unknown role': '81 01 00000001 09 00 00000000 0000 0000',
    'of another version': '81 01 00000001 01 00 00000000 0000 0000',
    'with a flag that is neither 0 nor 1': '8a 02',
    'with an unknown codec': '83 00000001 00 0001 09 0000 0000 0001 0001 00000000',
    'with fewer pieces than it counts': '83 00000001 00 0002 01 0000 0000 0001 0001 00000003 000000',
    'with a piece longer than itself': '83 00000001 00 0001 01 0000 0000 0001 0001 ffffffff 000000',
    'with an unknown machine state': '85 07 0000',
    'with an unknown farewell reason': '8e 00 0000',
    'with text that is not UTF-8': '89 ff',
    'with a colour that is none': '8f 0001 00000001 03 00 08 0000',
    'with fewer people than it says': '8f 0002 00000001 03 00 07 0000',
    'with too few cursor pixels': '84 0000 0000 0002 0002 00000000',
};

for (const [what, hex] of Object.entries(malformed)) {
    test(`a message ${what} is an error`, () => {
        assert.throws(() => decodeToViewer(bytesOf(hex)), ProtocolError);
    });
}

test('what does not fit the wire is never sent', () => {
    const key = { type: 'Key', input: 1, down: true, keysym: 0, scancode: 0 };
    assert.throws(() => encodeFromViewer({ ...key, scancode: 0x10000 }), RangeError);
    assert.throws(() => encodeFromViewer({ ...key, keysym: -1 }), RangeError);
    assert.throws(() => encodeFromViewer({ ...key, keysym: 1.5 }), RangeError);
    assert.throws(() => encodeFromViewer({ type: 'Text', input: 1, text: 'x'.repeat(4097) }),
        RangeError);
    const wheel = { type: 'Wheel', input: 1, x: 0, y: 0, dx: 0, dy: 21 };
    assert.throws(() => encodeFromViewer(wheel), RangeError);
    assert.throws(() => encodeFromViewer({ type: 'Desktop', width: 1, height: 1 }), TypeError);
});

test('a byte order mark is text like any other', () => {
    const message = { type: 'GuestClipboard', text: '\ufeffa' };
    assert.deepEqual(decodeToViewer(encodeToViewer(message)), message);
});

test('long text is cut between characters', () => {
    assert.deepEqual([...textParts('')], []);
    assert.deepEqual([...textParts('aあ😀b', 4)], ['aあ', '😀', 'b']);
    const parts = [...textParts('あ'.repeat(3000))];
    assert.ok(parts.every((part) => Buffer.byteLength(part) <= 4096));
    assert.equal(parts.join(''), 'あ'.repeat(3000));
});
