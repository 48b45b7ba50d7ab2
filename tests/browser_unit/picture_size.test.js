import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sizeOfJpeg } from '../../src/webvdi/browser/viewer/decoders/picture_size.js';
import { ProtocolError } from '../../src/webvdi/browser/viewer/errors.js';
import { bytesOf } from './helpers.js';

/** 5 wide, 3 high. */
const frame = (marker) => `${marker} 0011 08 0003 0005`;
const APP0 = 'ffe0 0006 4a46 4946';
const COMMENT = 'fffe 0004 ffc0'; // says something that looks like a frame
const TABLES = 'ffdb 0003 00 ffc4 0002 ffdd 0004 0001';

for (const [what, marker] of [['baseline', 'ffc0'], ['extended', 'ffc1'], ['progressive', 'ffc2']]) {
    test(`the size of a JPEG: ${what}, whatever stands before it`, () => {
        const file = ['ffd8', APP0, COMMENT, TABLES, frame(marker)].join(' ');
        assert.deepEqual(sizeOfJpeg(bytesOf(file)), { width: 5, height: 3 });
        assert.deepEqual(sizeOfJpeg(bytesOf(`ffd8 ${frame(marker)}`)), { width: 5, height: 3 });
    });
}

for (const [what, file] of Object.entries({
    'an empty file': '',
    'half a marker': 'ff',
    'no JPEG': `8950 ${frame('ffc0')}`,
    'no frame': `ffd8 ${APP0} ${TABLES}`,
    'a scan before the frame': `ffd8 ffda 0002 ${frame('ffc0')}`,
    'an arithmetic one': `ffd8 ${frame('ffc9')}`,
    'a lossless one': `ffd8 ${frame('ffc3')}`,
    'half a frame': `ffd8 ${frame('ffc0').slice(0, -2)}`,
    'a segment beyond the end': `ffd8 ffe0 ffff ${frame('ffc0')}`,
    'a segment shorter than its own length': `ffd8 ffe0 0000 ${frame('ffc0')}`,
    'segments without end': `ffd8 ${`${COMMENT} `.repeat(100)}${frame('ffc0')}`,
})) {
    test(`${what} has no size`, () => {
        assert.throws(() => sizeOfJpeg(bytesOf(file)), ProtocolError);
    });
}

test('every cut of a JPEG before its frame is complete is refused', () => {
    const whole = bytesOf(['ffd8', APP0, COMMENT, TABLES, frame('ffc2')].join(' '));
    for (let length = 0; length < whole.length; length += 1) {
        assert.throws(() => sizeOfJpeg(whole.subarray(0, length)), ProtocolError, String(length));
    }
});
