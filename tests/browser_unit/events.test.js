import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    FEED_BACK_OFF_MS, GATHER_MS, LiveFeed, POLL_LIVE_MS, POLL_LOST_MS,
} from '../../src/webvdi/browser/portal/events.js';
import { FakeClock, settled } from './helpers.js';

class FakeSource extends EventTarget {
    closed = false;

    close() {
        this.closed = true;
    }

    tell(type, data) {
        this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
    }
}

/** A feed, its clock, the streams it opened and the questions it asked. */
function playbook() {
    const clock = new FakeClock();
    const sources = [];
    const asked = [];
    const failing = [];
    const feed = new LiveFeed(async (changes) => {
        asked.push(changes);
        if (failing.length > 0) {
            throw failing.pop();
        }
    }, {
        clock, open: () => sources[sources.push(new FakeSource()) - 1],
    });
    return {
        feed, clock, sources, failing,
        get source() {
            return sources.at(-1);
        },
        take: () => asked.splice(0),
    };
}

const change = (id) => ({ kind: 'machine', id });

test('it asks for everything at the start, and again once it hears', () => {
    const book = playbook();
    book.feed.start();
    book.clock.advance(0);
    assert.deepEqual(book.take(), [null]);
    assert.ok(!book.feed.live);
    book.source.tell('hello', {});
    book.clock.advance(GATHER_MS);
    assert.deepEqual(book.take(), [null]); // what happened between the question and the stream
    assert.ok(book.feed.live);
});

test('hints that come together are one question', () => {
    const book = playbook();
    book.feed.start();
    book.source.tell('hello', {});
    book.clock.advance(GATHER_MS);
    book.take();
    for (const id of ['m-1', 'm-2', 'm-1']) {
        book.source.tell('change', change(id));
    }
    book.source.dispatchEvent(new MessageEvent('change', { data: 'not JSON' }));
    assert.deepEqual(book.take(), []);
    book.clock.advance(GATHER_MS);
    assert.deepEqual(book.take(), [[change('m-1'), change('m-2'), change('m-1')]]);
});

test('it comes back by the table, stays at its end, and starts over after a success', () => {
    const book = playbook();
    book.feed.start();
    for (const delay of [...FEED_BACK_OFF_MS, FEED_BACK_OFF_MS.at(-1)]) {
        const opened = book.sources.length;
        book.source.dispatchEvent(new Event('error'));
        assert.ok(book.source.closed);
        book.clock.advance(delay - 1);
        assert.equal(book.sources.length, opened);
        book.clock.advance(1);
        assert.equal(book.sources.length, opened + 1);
    }
    book.source.tell('hello', {});
    book.source.dispatchEvent(new Event('error'));
    const opened = book.sources.length;
    book.clock.advance(FEED_BACK_OFF_MS[0]);
    assert.equal(book.sources.length, opened + 1);
});

test('while there is no stream it asks now and then, and rarely while there is one', () => {
    const book = playbook();
    book.feed.start();
    book.clock.advance(0);
    book.take();
    book.clock.advance(POLL_LOST_MS * 3);
    assert.deepEqual(book.take(), [null, null, null]);
    book.source.tell('hello', {});
    book.clock.advance(GATHER_MS);
    book.take();
    book.clock.advance(POLL_LIVE_MS - GATHER_MS - 1);
    assert.deepEqual(book.take(), []);
    book.clock.advance(1);
    assert.deepEqual(book.take(), [null]);
});

test('once stopped it neither asks nor connects; an old stream says nothing any more', () => {
    const book = playbook();
    book.feed.start();
    const old = book.source;
    old.tell('hello', {});
    book.feed.stop();
    assert.ok(old.closed);
    old.tell('change', change('m-1'));
    book.clock.advance(POLL_LIVE_MS * 2);
    assert.deepEqual(book.take(), []);
    assert.equal(book.sources.length, 1);
    book.feed.start();
    old.dispatchEvent(new Event('error'));
    book.clock.advance(0);
    assert.equal(book.sources.length, 2);
    assert.ok(!book.source.closed);
    assert.deepEqual(book.take(), [null]);
});

test('a question that fails is asked again soon, also while the stream is there', async () => {
    const book = playbook();
    book.feed.start();
    book.source.tell('hello', {});
    book.clock.advance(GATHER_MS);
    book.take();
    book.failing.push(new Error('no answer'));
    book.source.tell('change', change('m-1'));
    book.clock.advance(GATHER_MS);
    await settled();
    assert.equal(book.take().length, 1);
    book.clock.advance(POLL_LOST_MS);
    assert.deepEqual(book.take(), [null]);
    book.clock.advance(POLL_LOST_MS);
    assert.deepEqual(book.take(), []);
});

test('what was done here is asked for at once, unless it is stopped', () => {
    const book = playbook();
    book.feed.refresh();
    book.clock.advance(0);
    assert.deepEqual(book.take(), []);
    book.feed.start();
    book.clock.advance(0);
    book.take();
    book.feed.refresh();
    book.clock.advance(0);
    assert.deepEqual(book.take(), [null]);
});
