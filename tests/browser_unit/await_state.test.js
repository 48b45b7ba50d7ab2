import assert from 'node:assert/strict';
import { test } from 'node:test';

import { untilOff } from '../../src/webvdi/browser/portal/await_state.js';
import { FakeClock, settled } from './helpers.js';

/** What becomes of the waiting when the machine is in these states, one a question. */
async function after(...states) {
    const clock = new FakeClock();
    const ask = async () => {
        const state = states.length > 1 ? states.shift() : states[0];
        if (state === 'lost') {
            throw new Error('no answer');
        }
        return { state };
    };
    let result = 'waits';
    untilOff(ask, { for_ms: 20000, clock }).then((view) => {
        result = view && view.state;
    });
    for (let n = 0; n < 12; n += 1) {
        await settled();
        clock.advance(2000);
    }
    await settled();
    return result;
}

test('it waits until the machine is off, over questions without an answer', async () => {
    assert.equal(await after('running', 'stopping', 'lost', 'stopping', 'stopped'), 'stopped');
    assert.equal(await after('crashed'), 'crashed');
});

test('one that goes on is let be, and nothing is waited for without end', async () => {
    assert.equal(await after('stopping', 'running', 'stopped'), null);
    assert.equal(await after('stopping'), null);
    assert.equal(await after('lost'), null);
});
