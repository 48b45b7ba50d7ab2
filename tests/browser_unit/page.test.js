import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { COMBINATIONS } from '../../src/webvdi/browser/portal/keys.js';
import { Locale, chooseLanguage } from '../../src/webvdi/browser/portal/locale.js';
import { isGone, noticeFor } from '../../src/webvdi/browser/portal/notice.js';
import { NETWORKS } from '../../src/webvdi/browser/portal/settings.js';
import { EXPIRIES_S } from '../../src/webvdi/browser/portal/shares.js';
import { qualityOf } from '../../src/webvdi/browser/portal/toolbar.js';
import { ERRORS, ViewerError } from '../../src/webvdi/browser/viewer/errors.js';
import { SCANCODES } from '../../src/webvdi/browser/viewer/input/scancodes.js';
import { BROWSER, readJson } from './helpers.js';

/** Texts that depend on a number (CLDR's plural categories of English). */
const COUNTED = ['watching', 'cpus', 'host_running', 'host_paused', 'host_warnings', 'guest_unbuilt_minutes',
    'share_used'];

const [en, ja] = ['en', 'ja'].map((name) => readJson(new URL(`locale/${name}.json`, BROWSER)));
const PORTAL = new URL('portal/', BROWSER);
const sources = readdirSync(PORTAL).filter((name) => /\.(js|html)$/.test(name))
    .map((name) => readFileSync(new URL(name, PORTAL), 'utf8')).join('\n');

/** By names that the server gives; tests/unit/test_locale.py ties them to these. */
const OF_THE_SERVER = /^(journal|problem|phase|finding|guest|wrong|acceleration)\./;

/** Keys that are put together in the code; each entry is all that can come out. */
const CONDITIONS = ['running', 'starting', 'stopping', 'paused', 'saved', 'stopped', 'crashed',
    'creating', 'deleting', 'failed'];
const COMPOSED = [
    ...Object.keys(ERRORS).map((code) => `error.${code}`),
    ...['login_required', 'superseded', 'access_revoked'].map((code) => `error.${code}.detail`),
    ...['connecting', 'reconnecting', 'ended', 'live'].map((state) => `state_${state}`),
    ...['connecting', 'lost', 'off', 'paused', 'credentials', 'failed']
        .map((state) => `machine_${state}`),
    ...CONDITIONS.map((condition) => `power.${condition}`),
    ...['guest_poweroff', 'shut_down', 'overdue', 'requested', 'killed', 'crashed',
        'start_failed', 'host_rebooted', 'unknown'].map((reason) => `exit.${reason}`),
    ...['live', 'connecting', 'unreachable', 'password', 'unknown'].map((link) => `link.${link}`),
    ...['open', 'start', 'stop', 'off', 'discard', 'restart', 'pause', 'resume', 'save', 'share',
        'settings', 'delete'].map((action) => `action.${action}`),
    ...['request', 'take', 'release'].map((action) => `control.${action}`),
    ...['owner', 'controller', 'observer'].map((role) => `role.${role}`),
    ...['copy', 'fill', 'indexed', 'png', 'jpeg', 'video', 'cached'].map((codec) => `codec.${codec}`),
    ...NETWORKS.map((network) => `network.${network}`),
    ...EXPIRIES_S.map((seconds) => `expiry.${seconds}`),
    ...['iso', 'disk'].map((kind) => `image.${kind}`),
    ...COUNTED.flatMap((key) => [`${key}.one`, `${key}.other`]),
];

test('both languages have the same texts with the same places in them', () => {
    assert.deepEqual(Object.keys(ja), Object.keys(en));
    const places = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const [key, text] of Object.entries(en)) {
        assert.ok(text && ja[key], key);
        assert.deepEqual(places(ja[key]), places(text), key);
    }
});

test('every text that the page asks for is there', () => {
    const asked = [
        ...[...sources.matchAll(/data-(?:text|label|placeholder)="([\w.]+)"/g)].map(([, key]) => key),
        ...[...sources.matchAll(/\btext\('([\w.]+)'/g)].map(([, key]) => key),
        ...[...sources.matchAll(/\bcount\('([\w.]+)'/g)].map(([, key]) => `${key}.other`),
        ...COMPOSED,
    ];
    assert.ok(asked.length > 80);
    assert.deepEqual(asked.filter((key) => !Object.hasOwn(en, key)), []);
});

test('no text is there for nothing', () => {
    const used = (key) => COMPOSED.includes(key) || OF_THE_SERVER.test(key) || sources.includes(`'${key}'`)
        || sources.includes(`"${key}"`);
    assert.deepEqual(Object.keys(en).filter((key) => !used(key)), []);
});

test('texts that depend on a number have both forms, and are all of that kind', () => {
    const counted = [...sources.matchAll(/\bcount\('([\w.]+)'/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(counted)].sort(), [...COUNTED].sort());
    const locale = new Locale('en', en);
    assert.equal(locale.count('cpus', 1), '1 CPU');
    assert.equal(locale.count('cpus', 1200), '1,200 CPUs');
    assert.equal(new Locale('ja', ja).count('watching', 1), '1 人が閲覧中');
});

test('the language: asked for, chosen before, preferred, English', () => {
    assert.equal(chooseLanguage('ja', 'en', ['en']), 'ja');
    assert.equal(chooseLanguage('xx', 'ja', ['en']), 'ja');
    assert.equal(chooseLanguage(null, null, ['fr', 'ja-JP', 'en']), 'ja');
    assert.equal(chooseLanguage(null, null, ['fr']), 'en');
});

test('a text is filled in, an unknown one shows its key', () => {
    const locale = new Locale('en', { greet: 'Hello {name} {other}' });
    assert.equal(locale.text('greet', { name: '$&' }), 'Hello $& {other}');
    assert.equal(locale.text('missing'), 'missing');
});

test('what is wrong with a field: our words for the rule, the server\'s own in English', () => {
    const error = { message: 'must be a whole number from 1 to 4194304, not 0', rule: 'whole_number',
        limits: { min: 1, max: 4194304, where: 'body' } };
    const [english, japanese] = [new Locale('en', en), new Locale('ja', ja)];
    assert.equal(english.wrong('invalid', error), error.message);
    assert.equal(japanese.wrong('invalid', error), '1～4,194,304 の整数にしてください');
    const text = { message: '', rule: 'text', limits: { max: 9 } };
    assert.equal(japanese.wrong('invalid', text), '9 文字までの文字列にしてください');
    const name = { message: '', rule: 'text', limits: { min: 1, max: 9 } };
    assert.equal(japanese.wrong('invalid', name), '1～9 文字の文字列にしてください');
    const choice = { message: '', rule: 'one_of', limits: { options: ['a', 'b'] } };
    assert.equal(japanese.wrong('invalid', choice), '次のどれかにしてください: a, b');
    const number = (limits) => japanese.wrong('invalid', { message: '', rule: 'number', limits });
    assert.equal(number({ min: 0, max: 9 }), '0～9 の数にしてください');
    assert.equal(number({ above: 0, max: 9 }), '0 より大きく 9 以下の数にしてください');
    assert.equal(number({ max: 9 }), '9 までの数にしてください');
    const newer = { message: 'must be so', rule: 'newer', limits: {} };
    assert.equal(japanese.wrong('invalid', newer), '値が正しくありません（must be so）');
});

test('every key of the menu exists', () => {
    for (const code of COMBINATIONS.flatMap(([, combinations]) => combinations.flat())) {
        assert.ok(SCANCODES.has(code), code);
    }
});

const situation = (more) => ({
    link: 'live', error: null, machine: { state: 'live', detail: '' }, info: null,
    picture: true, starting: false, dismissed: false,
    owner: false, gone: false, display: false, ...more,
});

test('nothing is said while all is well', () => {
    assert.deepEqual(noticeFor(situation()), { card: null, pill: null, dim: false, level: 'good' });
});

test('a picture stays while reconnecting', () => {
    const error = new ViewerError('link_lost');
    const notice = noticeFor(situation({ link: 'reconnecting', error }));
    assert.deepEqual(notice, { card: null, pill: 'state_reconnecting', dim: true, level: 'busy' });
    const blind = noticeFor(situation({ link: 'reconnecting', error, picture: false }));
    assert.equal(blind.card.title, 'error.link_lost');
});

test('a machine that is off can be started, if it can', () => {
    const machine = { state: 'off', detail: 'bye' };
    const info = { state: 'stopped', phase: 'ready', detail: 'bye', can: ['start'] };
    assert.deepEqual(noticeFor(situation({ machine, info })).card, {
        title: 'machine_off', detail: 'bye', detailKey: undefined, action: 'start', progress: false,
    });
    assert.equal(noticeFor(situation({ machine })).card.action, null);
    const starting = noticeFor(situation({ machine, info, starting: true })).card;
    assert.deepEqual([starting.title, starting.action, starting.progress],
        ['machine_starting', null, true]);
    const refused = noticeFor(situation({
        link: 'connecting', error: new ViewerError('not_ready', { detail: 'off' }), info,
        picture: false,
    }));
    assert.equal(refused.card.action, 'start');
});

test('a question for a password that was put aside can be taken up again', () => {
    const machine = { state: 'credentials', detail: 'password' };
    assert.equal(noticeFor(situation({ machine })).card, null);
    assert.equal(noticeFor(situation({ machine, dismissed: true })).card.action, 'connect');
});

test('a session that ended because its machine did can be started from there', () => {
    const info = { state: 'stopped', phase: 'ready', detail: 'bye', can: ['start'] };
    const error = new ViewerError('session_ended', { final: true });
    assert.equal(noticeFor(situation({ link: 'ended', error, info })).card.action, 'start');
});

test('what the server says of an error has a text in the reader\'s language', () => {
    const detailKey = (link, code, reason) => noticeFor(situation({
        link, error: new ViewerError(code, { detail: 'words', reason }), picture: false,
    })).card.detailKey;
    assert.equal(detailKey('connecting', 'not_ready', 'server_unavailable'), 'problem.server_unavailable');
    assert.equal(detailKey('ended', 'session_ended', 'not_found'), 'problem.not_found');
    assert.equal(detailKey('ended', 'superseded'), 'error.superseded.detail');
});

test('at the end a person is told what helps', () => {
    const action = (code) => noticeFor(situation({
        link: 'ended', error: new ViewerError(code, { final: true }),
    })).card.action;
    assert.equal(action('login_required'), 'sign_in');
    assert.equal(action('superseded'), 'use_here');
    assert.equal(action('session_ended'), 'try_again');
    assert.equal(action('access_revoked'), null); // nothing here helps: another link is needed
});

test('a machine that is being made says so instead of trying in vain', () => {
    const info = { state: 'stopped', phase: 'creating', detail: '', can: [] };
    const error = new ViewerError('not_ready');
    const { card } = noticeFor(situation({ link: 'connecting', error, info, picture: false }));
    assert.deepEqual([card.title, card.progress], ['power.creating', true]);
    const failed = noticeFor(situation({
        link: 'connecting', error, picture: false, info: { ...info, phase: 'failed', detail: 'no room' },
    })).card;
    assert.deepEqual([failed.detail, failed.progress, failed.action], ['no room', false, null]);
    const owners = noticeFor(situation({
        link: 'connecting', error, picture: false, info: { ...info, phase: 'failed' }, owner: true,
    })).card;
    assert.equal(owners.action, 'back');
    const ended = (owner) => noticeFor(situation({
        link: 'ended', error: new ViewerError('session_ended', { final: true }), owner,
    })).card;
    assert.deepEqual([ended(true).other, ended(false).other], ['back', null]);
});

test('who looks at a machine is told that it was deleted, and the owner goes to the others', () => {
    const error = new ViewerError('session_ended', { detail: 'the session was closed', final: true });
    const told = (owner) => noticeFor(situation({ link: 'ended', error, owner, gone: true }));
    assert.deepEqual(told(true).card,
        { title: 'machine_deleted', detail: '', action: 'back', progress: false });
    assert.equal(told(false).card.action, null);
    assert.equal(told(false).dim, true);
});

test('a display is not deleted: it is no longer on the list', () => {
    const { card, pill } = noticeFor(situation({ link: 'ended', gone: true, display: true, owner: true }));
    assert.deepEqual([card.title, card.action, pill], ['display_gone', 'back', 'display_gone']);
});

test('it is gone when the news say so, or when what was there is not found', () => {
    const view = { id: 'm-1' };
    const gone = (found) => isGone({
        changes: null, status: 0, view, error: null, visitor: false, ...found,
    });
    assert.ok(gone({ changes: [{ kind: 'machine', id: 'm-1' }, { kind: 'gone', id: 'm-1' }] }));
    assert.ok(!gone({ changes: [{ kind: 'gone', id: 'm-2' }, { kind: 'machine', id: 'm-1' }] }));
    assert.ok(gone({ status: 404 }));
    assert.ok(!gone({ status: 404, view: null }));
    assert.ok(!gone({ status: 401 }), 'a login ended');
    const error = new ViewerError('session_ended');
    assert.ok(gone({ status: 401, error, visitor: true }));
    assert.ok(!gone({ status: 401, error }), 'the owner\'s login ended after the session had');
    assert.ok(!gone({ status: 401, error: new ViewerError('access_revoked'), visitor: true }));
    assert.ok(!gone({}));
});

test('every notice has its texts', () => {
    const states = ['connecting', 'live', 'lost', 'off', 'paused', 'credentials', 'failed'];
    const errors = [null, ...Object.keys(ERRORS).map((code) => new ViewerError(code))];
    for (const link of ['connecting', 'live', 'reconnecting', 'ended']) {
        for (const state of states) {
            for (const error of errors) {
                for (const picture of [false, true]) {
                    for (const flag of [false, true]) {
                        const { card, pill } = noticeFor(situation({
                            link, error, machine: { state, detail: '' }, picture,
                            starting: flag, dismissed: flag, owner: flag, gone: flag && error === null,
                            display: picture,
                        }));
                        for (const key of [card?.title, card?.action, pill].filter(Boolean)) {
                            assert.ok(Object.hasOwn(en, key), key);
                        }
                    }
                }
            }
        }
    }
});

test('a slow link looks slow', () => {
    assert.deepEqual([null, 10, 100, 500].map((roundTrip) => qualityOf({ roundTrip })),
        ['good', 'good', 'fair', 'poor']);
});
