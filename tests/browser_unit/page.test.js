import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { COMBINATIONS } from '../../src/webvdi/browser/portal/keys.js';
import { Locale, chooseLanguage } from '../../src/webvdi/browser/portal/locale.js';
import { noticeFor } from '../../src/webvdi/browser/portal/notice.js';
import { qualityOf } from '../../src/webvdi/browser/portal/toolbar.js';
import { ERRORS, ViewerError } from '../../src/webvdi/browser/viewer/errors.js';
import { SCANCODES } from '../../src/webvdi/browser/viewer/input/scancodes.js';
import { BROWSER, readJson } from './helpers.js';

const [en, ja] = ['en', 'ja'].map((name) => readJson(new URL(`locale/${name}.json`, BROWSER)));
const PORTAL = new URL('portal/', BROWSER);
const sources = readdirSync(PORTAL).filter((name) => /\.(js|html)$/.test(name))
    .map((name) => readFileSync(new URL(name, PORTAL), 'utf8')).join('\n');

/** Keys that are put together in the code; each entry is all that can come out. */
const COMPOSED = [
    ...Object.keys(ERRORS).map((code) => `error.${code}`),
    'error.login_required.detail', 'error.superseded.detail',
    ...['connecting', 'reconnecting', 'ended', 'live'].map((state) => `state_${state}`),
    ...['connecting', 'lost', 'off', 'paused', 'credentials', 'failed']
        .map((state) => `machine_${state}`),
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
        ...[...sources.matchAll(/data-(?:text|label)="([\w.]+)"/g)].map(([, key]) => key),
        ...[...sources.matchAll(/\btext\('([\w.]+)'/g)].map(([, key]) => key),
        ...COMPOSED,
    ];
    assert.ok(asked.length > 80);
    assert.deepEqual(asked.filter((key) => !Object.hasOwn(en, key)), []);
});

test('no text is there for nothing', () => {
    const used = (key) => COMPOSED.includes(key) || sources.includes(`'${key}'`)
        || sources.includes(`"${key}"`);
    assert.deepEqual(Object.keys(en).filter((key) => !used(key)), []);
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

test('every key of the menu exists', () => {
    for (const code of COMBINATIONS.flatMap(([, combinations]) => combinations.flat())) {
        assert.ok(SCANCODES.has(code), code);
    }
});

const situation = (more) => ({
    link: 'live', error: null, machine: { state: 'live', detail: '' }, info: null,
    picture: true, starting: false, dismissed: false, ...more,
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
    const info = { name: '', state: 'stopped', detail: 'bye', can_start: true };
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
    const info = { name: '', state: 'stopped', detail: 'bye', can_start: true };
    const error = new ViewerError('session_ended', { final: true });
    assert.equal(noticeFor(situation({ link: 'ended', error, info })).card.action, 'start');
});

test('at the end a person is told what helps', () => {
    const action = (code) => noticeFor(situation({
        link: 'ended', error: new ViewerError(code, { final: true }),
    })).card.action;
    assert.equal(action('login_required'), 'sign_in');
    assert.equal(action('superseded'), 'use_here');
    assert.equal(action('session_ended'), 'try_again');
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
                            starting: flag, dismissed: flag,
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
