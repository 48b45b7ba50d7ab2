import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Composition, editBetween } from '../../src/webvdi/browser/viewer/input/composition.js';

const NOTHING = { backspaces: 0, text: '' };

test('an edit keeps what is the same at the beginning', () => {
    assert.deepEqual(editBetween('', 'ab'), { backspaces: 0, text: 'ab' });
    assert.deepEqual(editBetween('teh', 'the'), { backspaces: 2, text: 'he' });
    assert.deepEqual(editBetween('ab', 'ab'), NOTHING);
    assert.deepEqual(editBetween('a😀', 'a'), { backspaces: 1, text: '' });
});

test('an input method sends its text when it is done', () => {
    const composition = new Composition(false);
    composition.start();
    assert.deepEqual(composition.update('k'), NOTHING);
    assert.deepEqual(composition.update('かn'), NOTHING);
    assert.deepEqual(composition.end('漢字'), { backspaces: 0, text: '漢字' });
    assert.equal(composition.active, false);
});

test('a composition that was given up sends nothing', () => {
    const composition = new Composition(false);
    composition.start();
    composition.update('か');
    assert.deepEqual(composition.end(''), NOTHING);
});

test('an on-screen keyboard sends letters as they come, and corrects them', () => {
    const composition = new Composition(true);
    composition.start();
    assert.deepEqual(composition.update('t'), { backspaces: 0, text: 't' });
    assert.deepEqual(composition.update('te'), { backspaces: 0, text: 'e' });
    assert.deepEqual(composition.update('teh'), { backspaces: 0, text: 'h' });
    assert.deepEqual(composition.end('the'), { backspaces: 2, text: 'he' });
});

test('an on-screen keyboard for Japanese leaves no letters behind', () => {
    const composition = new Composition(true);
    composition.start();
    assert.deepEqual(composition.update('k'), { backspaces: 0, text: 'k' });
    assert.deepEqual(composition.update('か'), NOTHING);
    assert.deepEqual(composition.end('蚊'), { backspaces: 1, text: '蚊' });
});

test('the next composition starts from nothing', () => {
    const composition = new Composition(true);
    composition.start();
    composition.end('one');
    composition.start();
    assert.deepEqual(composition.update('o'), { backspaces: 0, text: 'o' });
});
