import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Locale } from '../../src/webvdi/browser/portal/locale.js';
import { codecRowsOf, rowsOf } from '../../src/webvdi/browser/portal/readout.js';
import { Codec } from '../../src/webvdi/browser/viewer/protocol.js';
import { BROWSER, readJson } from './helpers.js';

const [en, ja] = ['en', 'ja'].map((name) => new Locale(name, readJson(new URL(`locale/${name}.json`, BROWSER))));

const FIGURES = {
    roundTrip: 0.84, keyToPicture: 23.4, bitsPerSecond: 31250, framesPerSecond: 59.5,
    updatesPerSecond: 70, decode: 1, codecs: { copy: 48, png: 12500, keep: 700 },
    pixels: { copy: 1900000, png: 100000, keep: 0 }, lossyShare: 0.0004,
    total: { bytes: 0, updates: 0, pieces: 0 },
};

test('the figures are short and say their units', () => {
    assert.deepEqual(rowsOf(FIGURES, en).map(({ value }) => value),
        ['23 ms', '0.8 ms', '60 pictures/s', '0.03 Mbit/s', '99.9 % exact']);
    const still = { ...FIGURES, roundTrip: null, keyToPicture: null, lossyShare: 0 };
    assert.deepEqual(rowsOf(still, en).map(({ value }) => value).toSpliced(2, 2), ['–', '–', 'exact']);
    assert.deepEqual(rowsOf(FIGURES, ja)[0], { name: 'キーから画面まで', value: '23 ms' });
});

test('codecs stand in the order of what they drew; those that drew nothing do not', () => {
    assert.deepEqual(codecRowsOf(FIGURES, en), [
        { name: 'Moved', share: 0.95, value: '95 % · 0 kB/s' },
        { name: 'PNG', share: 0.05, value: '5 % · 6.3 kB/s' },
    ]);
});

test('every codec that draws has a name', () => {
    for (const name of Object.keys(Codec).filter((each) => !['SHEET', 'KEEP'].includes(each))) {
        assert.ok(en.has(`codec.${name.toLowerCase()}`), name);
    }
});
