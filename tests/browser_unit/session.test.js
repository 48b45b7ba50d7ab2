import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_KEPT, Session } from '../../src/webvdi/browser/viewer/session.js';
import { welcome } from './helpers.js';

const SPACE = { width: 800, height: 600 };
const key = (keysym) => ({ type: 'Key', down: true, keysym, scancode: 0 });

function attached() {
    const session = new Session();
    session.welcomed(welcome(), 0);
    return session;
}

test('the first attach shows a ticket, the next the resume key and what was drawn', () => {
    const session = new Session();
    assert.equal(session.canResume, false);
    assert.deepEqual(session.attach('ticket', SPACE), {
        type: 'Attach', version: 3, kind: 0, credential: 'ticket', last_update: 0,
        capabilities: 7, ...SPACE,
    });
    assert.equal(session.attach('ticket', SPACE, false).capabilities, 3); // no place for tiles
    session.welcomed(welcome(), 0);
    session.drawn(7);
    assert.equal(session.canResume, true);
    const again = session.attach(null, SPACE);
    assert.deepEqual([again.kind, again.credential, again.last_update], [1, 'key', 7]);
});

test('inputs are numbered from one without a gap', () => {
    const session = attached();
    assert.deepEqual([1, 2, 3].map(() => session.number(key(97), 0).input), [1, 2, 3]);
});

test('after a resume what is new and unhandled goes out again, once, and keys are let go', () => {
    const session = attached();
    [97, 98, 99].forEach((keysym) => session.number(key(keysym), 1000));
    session.confirmed(1);
    const again = session.welcomed(welcome({ resumed: true, last_input: 2 }), 2000);
    assert.deepEqual(again, [
        { ...key(99), input: 3 }, { type: 'ReleaseKeys', input: 4 },
    ]);
    session.confirmed(4);
    assert.deepEqual(session.welcomed(welcome({ resumed: true, last_input: 4 }), 2100), []);
});

test('numbers go on where the session is, so that what was dropped leaves no gap', () => {
    const session = attached();
    session.number(key(97), 0);
    session.number(key(98), 4000);
    const again = session.welcomed(welcome({ resumed: true, last_input: 0 }), 5500);
    assert.deepEqual(again.map(({ input, keysym }) => [input, keysym]),
        [[1, 98], [2, undefined]]);
    assert.equal(session.number(key(99), 5600).input, 3);
});

test('what waited too long is dropped even across two breaks', () => {
    const session = attached();
    session.number(key(97), 0);
    assert.equal(session.welcomed(welcome({ resumed: true }), 3000).length, 2);
    const again = session.welcomed(welcome({ resumed: true }), 5001);
    assert.ok(again.every(({ type }) => type === 'ReleaseKeys'));
});

test('after a fresh attach nothing is repeated and updates count from none', () => {
    const session = attached();
    session.drawn(9);
    session.number(key(97), 0);
    assert.deepEqual(session.welcomed(welcome({ resume_key: 'other' }), 1), []);
    assert.equal(session.attach(null, SPACE).last_update, 0);
    assert.equal(session.number(key(97), 2).input, 1);
});

test('forgetting means a ticket is needed', () => {
    const session = attached();
    session.number(key(97), 0);
    session.forget();
    assert.equal(session.canResume, false);
    assert.equal(session.pending, 0);
});

test('what is kept has a bound in number and in size', () => {
    const session = attached();
    for (let count = 0; count < MAX_KEPT + 10; count += 1) {
        session.number(key(97), 0);
    }
    assert.equal(session.pending, MAX_KEPT);
    const large = { type: 'Clipboard', text: 'x'.repeat(1 << 20) };
    [1, 2, 3].forEach(() => session.number(large, 0));
    assert.equal(session.pending, 2);
});
