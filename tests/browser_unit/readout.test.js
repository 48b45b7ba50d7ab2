import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Locale } from '../../src/webvdi/browser/portal/locale.js';
import { codecRowsOf, fillRows, rowsOf } from '../../src/webvdi/browser/portal/readout.js';
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

test('no part is exact, or nothing is known', () => {
    const picture = (lossyShare) => rowsOf({ ...FIGURES, lossyShare }, en)[4].value;
    assert.deepEqual([1, 0.9999, null].map(picture), ['not exact yet (0 %)', '0.1 % exact', '–']);
    assert.deepEqual(rowsOf(null, en).map(({ value }) => value), ['–', '–', '–', '–', '–']);
});

/** As much of an element as rows need. */
class FakeElement {
    children = [];
    writes = 0;
    #words = '';
    style = { setProperty: (name, value) => Object.assign(this.style, { [name]: value }) };

    append(...children) {
        children.forEach((child) => Object.assign(child, {
            remove: () => this.children.splice(this.children.indexOf(child), 1),
        }));
        this.children.push(...children);
    }

    get lastElementChild() {
        return this.children.at(-1);
    }

    get textContent() {
        return this.#words;
    }

    set textContent(words) {
        this.#words = words;
        this.writes += 1;
    }
}

test('rows stay, and only what has changed is written', () => {
    globalThis.document = { createElement: () => new FakeElement() };
    try {
        const list = new FakeElement();
        fillRows(list, [{ name: 'a', value: '1' }, { name: 'b', value: '2', share: 0.5 }]);
        const [first, second] = list.children;
        assert.equal(second.style['--share'], '0.5');
        fillRows(list, [{ name: 'a', value: '3' }]);
        assert.deepEqual(list.children, [first]);
        assert.deepEqual(first.children.map(({ textContent }) => textContent), ['a', '3']);
        assert.deepEqual(first.children.map(({ writes }) => writes), [1, 2]);
    } finally {
        delete globalThis.document;
    }
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
