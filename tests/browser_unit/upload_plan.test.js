import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    FIRST_PIECE_BYTES, MAX_PIECE_BYTES, MAX_REMEMBERED, MIN_PIECE_BYTES, UPLOAD_BACK_OFF_MS,
    UploadPlan, fileKey, rememberedIn, unfinishedIn, withRemembered,
} from '../../src/webvdi/browser/portal/upload_plan.js';

const SIZE = 100 << 20;
const at = (offset, more = {}) => ({
    id: 'u-1', name: 'x.iso', size_bytes: SIZE, offset, expires: 0, image: null, ...more,
});
const refusal = (status, reason = '', detail = 'words') => ({ status, reason, detail });

const begun = (offset = 0) => {
    const plan = new UploadPlan(SIZE);
    plan.told(at(offset));
    return plan;
};

test('a new file is begun, sent from the start, and done when the server has an image', () => {
    const plan = new UploadPlan(SIZE);
    assert.deepEqual(plan.next(), { do: 'begin' });
    plan.told(at(0));
    assert.deepEqual(plan.next(), { do: 'send', id: 'u-1', from: 0, to: FIRST_PIECE_BYTES });
    plan.sent(at(SIZE, { image: 'i-1' }), 500);
    assert.deepEqual(plan.next(), { do: 'nothing' });
    assert.deepEqual([plan.over, plan.phase, plan.image], [true, 'done', 'i-1']);
});

test('one that was begun before goes on where the server says', () => {
    const plan = new UploadPlan(SIZE, 'u-1');
    assert.deepEqual(plan.next(), { do: 'ask', id: 'u-1' });
    plan.told(at(7 << 20));
    assert.equal(plan.next().from, 7 << 20);
});

test('one that is gone is begun anew; twice is a failure', () => {
    const plan = new UploadPlan(SIZE, 'u-1');
    plan.failed(refusal(404, 'not_found'));
    assert.deepEqual(plan.next(), { do: 'begin' });
    plan.told(at(0, { id: 'u-2' }));
    assert.equal(plan.next().id, 'u-2');
    plan.failed(refusal(404, 'not_found', 'gone'));
    assert.deepEqual([plan.phase, plan.detail], ['failed', 'gone']);
});

test('a remembered upload of another size is not this file', () => {
    const plan = new UploadPlan(SIZE, 'u-1');
    plan.told(at(0, { size_bytes: SIZE + 1 }));
    assert.deepEqual(plan.next(), { do: 'begin' });
});

test('pieces grow with a fast line, shrink with a slow one, within their bounds', () => {
    const plan = begun();
    let offset = 0;
    const piece = () => {
        const { from, to } = plan.next();
        return to - from;
    };
    for (let n = 0; n < 5; n += 1) {
        offset += piece();
        plan.sent(at(offset), 10);
    }
    assert.equal(piece(), MAX_PIECE_BYTES);
    offset += piece();
    plan.sent(at(offset), 1e6);
    assert.equal(piece(), MIN_PIECE_BYTES);
});

test('the last piece ends where the file does', () => {
    assert.equal(begun(SIZE - 5).next().to, SIZE);
});

test('after a lost line it waits by the table, then asks for the offset; a piece starts it over', () => {
    const plan = begun();
    for (const ms of [...UPLOAD_BACK_OFF_MS, UPLOAD_BACK_OFF_MS.at(-1)]) {
        plan.failed(refusal(0));
        assert.deepEqual(plan.next(), { do: 'wait', ms });
        plan.wake();
        assert.deepEqual(plan.next(), { do: 'ask', id: 'u-1' });
    }
    plan.told(at(1 << 20));
    plan.sent(at(2 << 20), 100);
    plan.failed(refusal(503));
    assert.equal(plan.next().ms, UPLOAD_BACK_OFF_MS[0]);
});

test('out of step with the server, it asks and follows', () => {
    for (const reason of ['upload_offset', 'conflict']) {
        const plan = begun();
        plan.failed(refusal(409, reason));
        assert.equal(plan.next().do, 'wait');
        plan.wake();
        plan.told(at(3 << 20));
        assert.equal(plan.next().from, 3 << 20);
    }
});

test('refusals that time does not mend end it, with the server\'s words', () => {
    for (const [status, reason] of [[409, 'too_many_uploads'], [413, ''], [422, 'disk'], [403, '']]) {
        const plan = begun();
        plan.failed(refusal(status, reason, 'because'));
        assert.deepEqual([plan.phase, plan.detail, plan.over], ['failed', 'because', true], reason);
    }
});

test('what a person can mend stands still, and goes on afterwards', () => {
    for (const [status, reason] of [[401, 'not_logged_in'], [401, ''], [409, 'capacity_exceeded']]) {
        const plan = begun();
        assert.ok(plan.going);
        plan.failed(refusal(status, reason, 'because'));
        assert.deepEqual([plan.phase, plan.detail, plan.reason], ['paused', 'because', reason]);
        assert.deepEqual([plan.over, plan.gone, plan.going], [false, false, false]);
        plan.resume();
        assert.deepEqual(plan.next(), { do: 'ask', id: 'u-1' });
    }
});

test('only what the server has no more is forgotten', () => {
    const gone = (...refusals) => {
        const plan = begun();
        refusals.forEach((each) => plan.failed(each));
        return [plan.over, plan.gone];
    };
    assert.deepEqual(gone(refusal(422, 'disk')), [true, true]);
    assert.deepEqual(gone(refusal(404), refusal(404)), [true, true]);
    assert.deepEqual(gone(refusal(413)), [true, false]);
    assert.deepEqual(gone(refusal(403)), [true, false]);
    const done = begun();
    done.sent(at(SIZE, { image: 'i-1' }), 1);
    assert.ok(done.gone);
});

test('a line lost before the beginning is no reason to forget the file', () => {
    const plan = new UploadPlan(SIZE);
    plan.failed(refusal(0));
    plan.wake();
    assert.deepEqual(plan.next(), { do: 'begin' });
});

test('paused, it does nothing, whatever still arrives; resumed, it asks', () => {
    const plan = begun();
    plan.pause();
    assert.deepEqual(plan.next(), { do: 'nothing' });
    plan.failed(refusal(0)); // the request that was taken back
    assert.equal(plan.phase, 'paused');
    plan.told(at(5)); // or its answer
    assert.equal(plan.phase, 'paused');
    plan.resume();
    assert.deepEqual(plan.next(), { do: 'ask', id: 'u-1' });
    plan.told(at(SIZE, { image: 'i-1' }));
    plan.pause();
    assert.equal(plan.phase, 'done');
});

test('when all is sent and no image there yet, it waits for the check', () => {
    const plan = begun();
    plan.sent(at(SIZE), 10);
    assert.equal(plan.next().do, 'wait');
    plan.wake();
    plan.told(at(SIZE, { image: 'i-1' }));
    assert.equal(plan.phase, 'done');
});

test('rate and time left are of what really arrives', () => {
    const plan = begun();
    assert.equal(plan.secondsLeft, null);
    plan.sent(at(10 << 20), 1000);
    assert.equal(plan.rate, 10 << 20);
    assert.equal(plan.secondsLeft, 9);
    plan.pause();
    assert.equal(plan.rate, null);
});

test('files are known again by name, size and time; old ones are forgotten', () => {
    const file = { name: 'a:b.iso', size: 5, lastModified: 7 };
    assert.equal(fileKey(file), '5:7:a:b.iso');
    let stored = withRemembered('not JSON', 'old', { id: 'u-0', expires: 5 }, 0);
    stored = withRemembered(stored, 'k', { id: 'u-1', expires: 100 }, 10);
    assert.deepEqual(rememberedIn(stored), { k: { id: 'u-1', expires: 100 } });
    assert.deepEqual(rememberedIn(withRemembered(stored, 'k', null, 10)), {});
    for (let n = 0; n < MAX_REMEMBERED * 2; n += 1) {
        stored = withRemembered(stored, `f${n}`, { id: `u-${n}`, expires: 100 }, 10);
    }
    assert.equal(Object.keys(rememberedIn(stored)).length, MAX_REMEMBERED);
    assert.deepEqual(rememberedIn('{"x": 1, "y": {"id": 3}}'), {});
    const some = withRemembered(null, fileKey(file), { id: 'u-1', expires: 100 }, 0);
    assert.deepEqual(unfinishedIn(some, 99), [{ key: '5:7:a:b.iso', name: 'a:b.iso' }]);
    assert.deepEqual(unfinishedIn(some, 100), []);
});
