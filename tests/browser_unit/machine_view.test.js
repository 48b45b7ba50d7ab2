import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Locale } from '../../src/webvdi/browser/portal/locale.js';
import {
    conditionOf, faceOf, inOrder, matching, powerActions,
} from '../../src/webvdi/browser/portal/machine_view.js';
import { BROWSER, readJson } from './helpers.js';

const locales = Object.fromEntries(['en', 'ja'].map((name) => (
    [name, new Locale(name, readJson(new URL(`locale/${name}.json`, BROWSER)))])));

const NOW = 1_800_000_000;
const OWNER = { role: 'owner', mode: 'service', share: null };
const GUEST = { role: 'controller', mode: 'service', share: { machine: 'm-1' } };

const machine = (more = {}) => ({
    id: 'm-1', kind: 'machine', name: 'box', title: 'box', phase: 'ready', state: 'running',
    can: ['stop', 'kill', 'reset', 'pause', 'save', 'delete'], since: NOW - 180, detail: '',
    exit_reason: null, progress: null, cpus: 2, memory_mib: 512, acceleration: 'kvm', notes: '',
    viewers: 0, disks: [], ...more,
});
const face = (more, me = OWNER, language = 'en') => faceOf(machine(more), me, locales[language], NOW);

test('a running machine can be opened, paused and stopped', () => {
    const seen = face({ viewers: 2 });
    assert.deepEqual([seen.level, seen.state, seen.since, seen.parts, seen.viewers],
        ['good', 'Running', '3 minutes', '2 CPUs · 512 MiB', '2 watching']);
    assert.equal(seen.primary, 'open');
    assert.deepEqual(seen.menu,
        ['pause', 'save', 'stop', 'restart', 'off', 'share', 'settings', 'delete']);
    assert.equal(seen.percent, undefined);
});

test('of a display the link is told, for whether it runs nobody knows', () => {
    const display = (more) => face({ kind: 'display', can: [], link: null, ...more });
    const told = [null, 'connecting', 'live', 'password', 'unreachable'].map((link) => display({ link }));
    assert.deepEqual(told.map((seen) => [seen.level, seen.state]), [
        ['off', 'Not connected'], ['busy', 'Connecting…'], ['good', 'Connected'],
        ['paused', 'Asks for a password'], ['bad', 'Cannot be reached'],
    ]);
    const dead = display({ link: 'unreachable', detail: 'tcp:h:1: Connection refused' });
    assert.deepEqual([dead.detail, dead.primary], ['tcp:h:1: Connection refused', 'open']);
});

test('one that is off can be started, and tells when and why it ended', () => {
    const off = { state: 'stopped', can: ['start', 'delete', 'set'], detail: 'It said: boo.',
        exit_reason: 'guest_poweroff' };
    const seen = face(off);
    assert.deepEqual([seen.level, seen.primary, seen.openable, seen.since, seen.detail],
        ['off', 'start', false, '3 minutes ago', 'It said: boo.']);
    assert.deepEqual(seen.menu, ['share', 'settings', 'delete']);
    assert.equal(face({ ...off, detail: '' }).detail, 'The guest switched itself off.');
    assert.equal(face(off, OWNER, 'ja').detail, 'ゲストが自分で電源を切りました。');
    assert.equal(face({ ...off, exit_reason: 'of a newer server' }, OWNER, 'ja').detail, 'It said: boo.');
});

test('a saved machine goes on, or is discarded; nothing shuts it down', () => {
    const seen = face({ state: 'saved', can: ['start', 'stop', 'kill', 'delete'] });
    assert.equal(seen.primary, 'start');
    assert.deepEqual(seen.menu, ['discard', 'share', 'settings', 'delete']);
});

test('one that shuts down can still be watched, and switched off', () => {
    const seen = face({ state: 'stopping', can: ['stop', 'kill', 'delete'] });
    assert.deepEqual([seen.level, seen.primary], ['busy', 'open']);
    assert.deepEqual(powerActions(machine({ state: 'stopping', can: ['stop', 'kill'] })), ['off']);
});

test('one that is being made shows how far it is', () => {
    const making = { phase: 'creating', state: 'stopped', can: ['delete'],
        progress: { phase: 'Fetching packages', done: 37, total: 100 } };
    const seen = face(making);
    assert.deepEqual([seen.state, seen.detail, seen.percent, seen.primary],
        ['Being made', 'Fetching packages', 37, null]);
    assert.deepEqual(seen.menu, ['delete']);
    assert.equal(face({ ...making, progress: { phase: 'x', done: 3, total: 0 } }).percent, null);
    assert.equal(face({ ...making, progress: null }).percent, null);
});

test('one that could not be made says why and can be deleted', () => {
    const seen = face({ phase: 'failed', state: 'stopped', can: ['delete'], detail: 'no room' });
    assert.deepEqual([seen.level, seen.detail, seen.openable], ['bad', 'no room', false]);
    assert.ok(seen.menu.includes('delete'));
});

test('a fixed display is shared and opened, nothing else', () => {
    const seen = face({ kind: 'display', can: [], cpus: null, memory_mib: null, since: null });
    assert.deepEqual([seen.primary, seen.menu, seen.parts, seen.since], ['open', ['share'], '', '']);
});

test('who came by a link may only open it, whatever the view says', () => {
    const seen = face({}, GUEST);
    assert.deepEqual([seen.primary, seen.menu], ['open', []]);
    assert.equal(face({ state: 'stopped', can: ['start'] }, GUEST).primary, null);
});

test('a state of a newer server is shown as it is called', () => {
    const seen = face({ state: 'hibernating' });
    assert.deepEqual([seen.level, seen.state], ['busy', 'hibernating']);
    assert.equal(conditionOf(machine({ phase: 'deleting' })), 'deleting');
});

test('without KVM is said, since it explains why all is slow', () => {
    assert.match(face({ acceleration: 'tcg' }).parts, /no KVM/);
});

test('machines stand in the order in which people count', () => {
    const names = ['lab-10', 'Desk', 'lab-2'].map((title) => machine({ title }));
    assert.deepEqual(inOrder(names, 'en').map(({ title }) => title), ['Desk', 'lab-2', 'lab-10']);
});

test('a search means every word, in name or notes', () => {
    const all = [machine({ title: 'Windows old', notes: 'licence in the safe' }), machine()];
    assert.equal(matching(all, ' SAFE win ').length, 1);
    assert.equal(matching(all, 'safe linux').length, 0);
    assert.equal(matching(all, '  ').length, 2);
});
