import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    ANSWER_WITHIN_MS, BACK_OFF_MS, Connection, GOOD_AFTER_MS, OPEN_WITHIN_MS, PING_EVERY_MS,
} from '../../src/webvdi/browser/viewer/connect.js';
import { ViewerError } from '../../src/webvdi/browser/viewer/errors.js';
import { Session } from '../../src/webvdi/browser/viewer/session.js';
import { Stats } from '../../src/webvdi/browser/viewer/stats.js';
import { FakeClock, FakeTransport, settled, welcome } from './helpers.js';

class Bench {
    constructor() {
        this.clock = new FakeClock();
        this.transports = [];
        this.tickets = 0;
        this.states = [];
        this.messages = [];
        this.ticket = async () => `ticket ${this.tickets}`;
        this.stats = new Stats(this.clock.now);
        this.connection = new Connection({
            session: new Session(),
            stats: this.stats,
            clock: this.clock,
            open: () => {
                const transport = new FakeTransport();
                this.transports.push(transport);
                return transport;
            },
            ticket: () => {
                this.tickets += 1;
                return this.ticket();
            },
            space: () => ({ width: 1, height: 2 }),
            onmessage: (message) => this.messages.push(message.type),
            onstate: (state, error) => this.states.push(error ? `${state} ${error.code}` : state),
        });
    }

    get transport() {
        return this.transports.at(-1);
    }

    get state() {
        return this.connection.state;
    }

    async opened() {
        await settled();
        this.transport.onopen();
    }

    async live(values) {
        this.connection.start();
        await this.opened();
        this.transport.say(welcome(values));
        return this;
    }

    /** The line breaks, and one is tried again. */
    async broken(values = { resumed: true }) {
        this.transport.onclose('gone');
        this.clock.advance(this.clock.next);
        await this.opened();
        const attach = this.transport.take()[0];
        this.transport.say(welcome(values));
        return attach;
    }
}

test('a ticket, a transport, Attach, Welcome: live', async () => {
    const bench = await new Bench().live();
    assert.deepEqual(bench.states, ['connecting', 'live']);
    const [attach] = bench.transport.take();
    assert.deepEqual([attach.type, attach.credential, attach.width], ['Attach', 'ticket 1', 1]);
    assert.deepEqual(bench.messages, ['Welcome']);
});

test('nothing but Attach is sent before the Welcome', async () => {
    const bench = new Bench();
    bench.connection.input({ type: 'Text', text: 'early' });
    bench.connection.start();
    await bench.opened();
    bench.connection.send({ type: 'Ack', update: 1, cost_ms: 0 });
    bench.connection.input({ type: 'Text', text: 'early' });
    bench.connection.setVisible(true);
    assert.deepEqual(bench.transport.take().map(({ type }) => type), ['Attach']);
    bench.transport.say(welcome());
    assert.deepEqual(bench.transport.take(), []);
});

test('delays are stretched or shrunk by up to a quarter', async () => {
    for (const [chance, factor] of [[0, 0.75], [1, 1.25]]) {
        const bench = await new Bench().live();
        bench.clock.chance = chance;
        bench.transport.onclose('gone');
        assert.equal(bench.clock.next, BACK_OFF_MS[0] * factor);
    }
});

test('each failure waits longer than the one before, up to the last of the table', async () => {
    const bench = new Bench();
    bench.ticket = async () => {
        throw new ViewerError('not_ready');
    };
    bench.connection.start();
    const delays = [];
    for (let count = 0; count < BACK_OFF_MS.length + 2; count += 1) {
        await settled();
        delays.push(bench.clock.next);
        bench.clock.advance(bench.clock.next);
    }
    assert.deepEqual(delays, [...BACK_OFF_MS, BACK_OFF_MS.at(-1), BACK_OFF_MS.at(-1)]);
    assert.ok(bench.states.every((state) => state.startsWith('connecting')));
});

test('only a connection that held for a while starts the table anew', async () => {
    const bench = await new Bench().live();
    for (const expected of [BACK_OFF_MS[0], BACK_OFF_MS[1], BACK_OFF_MS[2]]) {
        bench.transport.onclose('gone');
        assert.equal(bench.clock.next, expected);
        bench.clock.advance(expected);
        await bench.opened();
        bench.transport.say(welcome({ resumed: true }));
    }
    bench.connection.setVisible(false); // no pings, so that time can pass
    bench.clock.advance(GOOD_AFTER_MS);
    bench.transport.onclose('gone');
    assert.equal(bench.clock.next, BACK_OFF_MS[0]);
});

test('a broken line is resumed with the key, without a ticket', async () => {
    const bench = await new Bench().live();
    const attach = await bench.broken();
    assert.deepEqual([attach.kind, attach.credential, bench.tickets], [1, 'key', 1]);
    assert.deepEqual(bench.states.slice(1),
        ['live', 'reconnecting link_lost', 'reconnecting link_lost', 'live']);
});

test('an unknown resume key leads to a fresh ticket at once', async () => {
    const bench = await new Bench().live();
    bench.transport.onclose('gone');
    bench.clock.advance(bench.clock.next);
    await bench.opened();
    bench.transport.say({ type: 'Farewell', reason: 2, message: '' });
    assert.equal(bench.clock.next, 0);
    bench.clock.advance(0);
    await bench.opened();
    assert.equal(bench.transport.take()[0].credential, 'ticket 2');
});

test('an input made while the line was broken arrives after it, one made before is not doubled',
    async () => {
        const bench = await new Bench().live();
        bench.connection.input({ type: 'Text', text: 'before' });
        bench.transport.onclose('gone');
        bench.connection.input({ type: 'Text', text: 'between' });
        bench.clock.advance(bench.clock.next);
        await bench.opened();
        bench.transport.take();
        bench.transport.say(welcome({ resumed: true, last_input: 1 }));
        assert.deepEqual(bench.transport.take(), [
            { type: 'Text', input: 2, text: 'between' }, { type: 'ReleaseKeys', input: 3 },
        ]);
    });

for (const [reason, code] of [[4, 'session_ended'], [5, 'too_many_viewers'], [6, 'superseded'],
    [7, 'access_revoked']]) {
    test(`farewell ${reason} is the end`, async () => {
        const bench = await new Bench().live();
        bench.transport.say({ type: 'Farewell', reason, message: 'why' });
        assert.equal(bench.states.at(-1), `ended ${code}`);
        assert.equal(bench.transport.closed, true);
        assert.deepEqual(bench.clock.timers, []);
        bench.connection.wake();
        bench.connection.start();
        assert.equal(bench.state, 'ended');
    });
}

test('a restarting server is tried again with the resume key', async () => {
    const bench = await new Bench().live();
    bench.transport.say({ type: 'Farewell', reason: 8, message: '' });
    assert.equal(bench.states.at(-1), 'reconnecting server_restarts');
    bench.clock.advance(bench.clock.next);
    await bench.opened();
    assert.equal(bench.transport.take()[0].kind, 1);
});

test('a malformed message ends the connection, and the next is a fresh one', async () => {
    const bench = await new Bench().live();
    bench.transport.onmessage(new Uint8Array([0xff]));
    assert.equal(bench.states.at(-1), 'reconnecting protocol');
    bench.clock.advance(bench.clock.next);
    await bench.opened();
    assert.equal(bench.transport.take()[0].kind, 0);
});

test('who is not logged in is not asked again', async () => {
    const bench = new Bench();
    bench.ticket = async () => {
        throw new ViewerError('login_required', { final: true });
    };
    bench.connection.start();
    await settled();
    assert.deepEqual(bench.states, ['connecting', 'ended login_required']);
    assert.deepEqual(bench.clock.timers, []);
});

test('a server that takes a connection and says nothing is given up', async () => {
    const bench = new Bench();
    bench.connection.start();
    await bench.opened();
    bench.clock.advance(OPEN_WITHIN_MS);
    assert.equal(bench.states.at(-1), 'connecting timeout');
    assert.equal(bench.transport.closed, true);
});

test('a ticket that comes too late is not used', async () => {
    const bench = new Bench();
    let answer;
    bench.ticket = () => new Promise((resolve) => {
        answer = resolve;
    });
    bench.connection.start();
    bench.clock.advance(OPEN_WITHIN_MS);
    answer('late');
    await settled();
    assert.equal(bench.transports.length, 0);
});

test('a silent link is found dead, an answering one is pinged on', async () => {
    const bench = await new Bench().live();
    const pings = () => bench.transport.sent.filter(({ type }) => type === 'Ping');
    const [first] = pings();
    bench.clock.advance(30);
    bench.transport.say({ type: 'Pong', token: first.token });
    assert.equal(bench.stats.summary().roundTrip, 30);
    bench.clock.advance(PING_EVERY_MS);
    assert.equal(pings().length, 2);
    bench.clock.advance(ANSWER_WITHIN_MS - 1 - 30);
    assert.equal(bench.state, 'live');
    bench.clock.advance(31);
    assert.equal(bench.states.at(-1), 'reconnecting link_silent');
});

test('any message shows that the link is alive', async () => {
    const bench = await new Bench().live();
    for (let count = 0; count < 8; count += 1) {
        bench.clock.advance(PING_EVERY_MS - 100);
        bench.transport.say({ type: 'RingBell' });
    }
    assert.equal(bench.state, 'live');
});

test('a hidden page does not ping, and looks at once when it is seen again', async () => {
    const bench = await new Bench().live();
    bench.transport.sent = [];
    bench.connection.setVisible(false);
    assert.deepEqual(bench.transport.take(), [{ type: 'Visibility', visible: false }]);
    bench.clock.advance(10 * ANSWER_WITHIN_MS);
    assert.equal(bench.state, 'live');
    bench.connection.setVisible(true);
    assert.deepEqual(bench.transport.sent.map(({ type }) => type), ['Visibility', 'Ping']);
    bench.clock.advance(ANSWER_WITHIN_MS);
    assert.equal(bench.states.at(-1), 'reconnecting link_silent');
});

test('a page that is hidden when it connects says so', async () => {
    const bench = new Bench();
    bench.connection.setVisible(false);
    await bench.live();
    assert.deepEqual(bench.transport.take().slice(1), [{ type: 'Visibility', visible: false }]);
});

test('waking up tries at once instead of waiting', async () => {
    const bench = await new Bench().live();
    bench.transport.onclose('gone');
    bench.connection.wake();
    await bench.opened();
    assert.equal(bench.transports.length, 2);
    bench.connection.wake(); // an attempt is under way: no second one beside it
    await settled();
    assert.equal(bench.transports.length, 2);
});

test('a ping is answered with its token', async () => {
    const bench = await new Bench().live();
    bench.transport.take();
    bench.transport.say({ type: 'Ping', token: 77 });
    assert.deepEqual(bench.transport.take(), [{ type: 'Pong', token: 77 }]);
});

test('stopping closes the line and nothing happens any more', async () => {
    const bench = await new Bench().live();
    bench.connection.stop();
    assert.deepEqual([bench.state, bench.transport.closed], ['ended', true]);
    bench.connection.stop();
    bench.connection.input({ type: 'Text', text: 'late' });
    assert.deepEqual(bench.states, ['connecting', 'live', 'ended']);
    assert.deepEqual(bench.clock.timers, []);
});
