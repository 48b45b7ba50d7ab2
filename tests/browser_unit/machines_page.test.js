import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api } from '../../src/webvdi/browser/portal/api.js';
import { findingWords, hostWords } from '../../src/webvdi/browser/portal/host.js';
import { isOver, tokenIn } from '../../src/webvdi/browser/portal/join_link.js';
import { Locale } from '../../src/webvdi/browser/portal/locale.js';
import { freeName, requestFor } from '../../src/webvdi/browser/portal/new_machine_plan.js';
import {
    changesBetween, diskGib, following, imageInDrive,
} from '../../src/webvdi/browser/portal/settings.js';
import { isLoopback, liveShares, reachable } from '../../src/webvdi/browser/portal/shares.js';
import { guestWords } from '../../src/webvdi/browser/portal/source_list.js';
import { nextOf } from '../../src/webvdi/browser/portal/thumbnails.js';
import { othersOf } from '../../src/webvdi/browser/portal/unfinished.js';
import { UploadPlan } from '../../src/webvdi/browser/portal/upload_plan.js';
import { percentOfAll, uploadWords } from '../../src/webvdi/browser/portal/upload_rows.js';
import { BROWSER, readJson } from './helpers.js';

const [locale, japanese] = ['en', 'ja'].map((name) => (
    new Locale(name, readJson(new URL(`locale/${name}.json`, BROWSER)))));

// ---- thumbnails

test('pictures are asked for one at a time, the longest waiting first, only of what is seen', () => {
    const each = (due, more = {}) => ({ visible: true, wanted: true, due, ...more });
    const all = [each(900), each(500), each(100, { visible: false }), each(100, { wanted: false })];
    assert.deepEqual(nextOf(all, 600), { each: all[1], wait: 0 });
    assert.deepEqual(nextOf(all, 200), { each: all[1], wait: 300 });
    assert.equal(nextOf(all.slice(2), 600), null);
});

// ---- a new machine

test('a free name is made of what the source is called', () => {
    const names = ['debian-13.1.0-amd64-netinst.iso', 'Windows 11 (日本語).ISO', 'ルーター.qcow2', 'tiny']
        .map((stem) => freeName(stem, []));
    assert.deepEqual(names, ['debian-13.1.0-amd64-netinst', 'Windows-11', 'machine', 'tiny']);
    const others = [{ name: 'tiny' }, { name: 'tiny-2' }];
    assert.equal(freeName('tiny', others), 'tiny-3');
    assert.match(freeName(`.${'x'.repeat(99)}.iso`, []), /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
});

const WISHES = { name: ' box ', cpus: null, memory_mib: 2048, disk_gib: null, network: '', profile: '',
    disk_mode: 'overlay', start: true, autostart: true };

test('a guest is asked for by its name, what is left open is null', () => {
    assert.deepEqual(requestFor({ kind: 'guest', guest: { name: 'tiny' } }, WISHES), {
        name: 'box', guest: 'tiny', cpus: null, memory_mib: 2048, disk_gib: null, network: null,
        start: true, autostart: 1,
    });
});

test('an ISO comes with an empty disk, a disk with what becomes of it', () => {
    const iso = requestFor({ kind: 'image', image: { id: 'i-1', kind: 'iso' } }, WISHES);
    assert.deepEqual([iso.image, iso.disk_gib, 'disk_mode' in iso], ['i-1', 20, false]);
    const disk = requestFor({ kind: 'image', image: { id: 'i-2', kind: 'disk' } }, WISHES);
    assert.deepEqual([disk.image, disk.disk_gib, disk.disk_mode], ['i-2', null, 'overlay']);
});

test('a guest tells whether it is ready, and what it takes', () => {
    const guest = { built: false, size_bytes: null, building: null, failed: '', expected_minutes: 5 };
    assert.equal(guestWords({ ...guest, built: true, size_bytes: 60 << 20 }, locale), 'Ready · 60 MiB');
    assert.equal(guestWords(guest, locale), 'Will be built first, about 5 minutes');
    assert.equal(guestWords({ ...guest, expected_minutes: null }, locale), 'Will be built first');
    assert.equal(guestWords({ ...guest, building: { phase: 'Fetching', done: 1, total: 4 } }, locale),
        'Being built: Fetching 25 %');
    assert.match(guestWords({ ...guest, failed: 'no network' }, locale), /no network/);
});

// ---- uploads

test('an upload says how far it is, how fast, and what it waits for', () => {
    const plan = { phase: 'send', offset: 10 << 20, size: 100 << 20, rate: 2 << 20, secondsLeft: 45,
        detail: '' };
    const words = (more) => uploadWords({ plan: { ...plan, ...more } }, locale);
    assert.equal(words({}), '10 MiB of 100 MiB · 2 MiB/s · 45 seconds left');
    assert.equal(words({ rate: null }), '10 MiB of 100 MiB');
    assert.match(words({ phase: 'wait' }), /goes on by itself/);
    assert.match(words({ phase: 'wait', offset: 100 << 20 }), /Checking/);
    assert.equal(words({ phase: 'failed', detail: 'no room' }), 'no room');
});

test('an upload that waits for somebody says for what', () => {
    const plan = { phase: 'paused', offset: 0, size: 1, reason: 'capacity_exceeded', detail: '3 MiB left' };
    assert.equal(uploadWords({ plan }, locale), 'Paused: 3 MiB left');
    assert.equal(uploadWords({ plan }, japanese),
        '一時停止中：ホストのメモリーかディスクが足りません（3 MiB left）');
    assert.equal(uploadWords({ plan: { ...plan, reason: '', detail: '' } }, locale), 'Paused');
});

test('uploads of other pages are shown beside our own', () => {
    const all = [{ id: 'u-1', image: null }, { id: 'u-2', image: null }, { id: 'u-3', image: 'i-1' }];
    assert.deepEqual(othersOf(all, [{ plan: { id: 'u-1' } }, { plan: { id: null } }]), [all[1]]);
});

// ---- the server's words

test('readers of English get the server\'s own words, others ours and the server\'s', () => {
    assert.equal(locale.refused('state', 'cannot start it'), 'cannot start it');
    assert.equal(japanese.refused('state', 'cannot start it'), 'いまの状態ではできません（cannot start it）');
    assert.equal(japanese.refused('of a newer server', 'boo'), 'boo');
    const finding = { name: 'kvm', level: 'warning', text: 'no /dev/kvm', remedy: 'load it' };
    assert.deepEqual(findingWords(finding, locale), ['no /dev/kvm', 'load it']);
    const told = findingWords(finding, japanese);
    assert.deepEqual([told.length, told[2]], [3, 'no /dev/kvm']);
    assert.deepEqual(findingWords({ ...finding, name: 'new', remedy: '' }, japanese), ['no /dev/kvm']);
    const building = { phase: 'Fetching 37 packages', done: 1, total: 4 };
    assert.equal(guestWords({ building }, locale), 'Being built: Fetching 37 packages 25 %');
    assert.equal(guestWords({ building }, japanese), '作成中：パッケージを取得中 25 %');
});

test('an upload that is over, well or not, is no longer going on', () => {
    const plan = (phase, offset) => Object.assign(new UploadPlan(100, 'u-1'), { phase, offset });
    const all = (...plans) => percentOfAll(plans.map((each) => ({ plan: each })));
    assert.equal(all(), null);
    assert.equal(all(plan('failed', 50)), null);
    assert.equal(all(plan('done', 100)), null);
    assert.equal(all(plan('failed', 50), plan('send', 20), plan('paused', 40)), 30);
});

test('what is paused is not said to run', () => {
    const words = (paused, language = locale) => hostWords({
        version: '1', machines: { total: 3, running: 1, paused, memory_mib: 1 },
        memory_available_mib: null, disk_free_bytes: null,
    }, language);
    assert.equal(words(2), '1 machine running · 2 paused · webvdi 1');
    assert.equal(words(0), '1 machine running · webvdi 1');
    assert.equal(words(2, japanese), '1 台が実行中 · 2 台が一時停止中 · webvdi 1');
});

test('a picture that the server cannot give now is no missing picture', async (t) => {
    const answer = (status) => t.mock.method(globalThis, 'fetch', async () => new Response(
        status === 200 ? 'jpeg' : null, { status, headers: { ETag: 'e' } }));
    const size = { width: 1, height: 1 };
    answer(503);
    await assert.rejects(api.thumbnail('m-1', size, null), { status: 503, away: true });
    answer(204);
    assert.deepEqual(await api.thumbnail('m-1', size, 'e'), { etag: null, picture: null });
    answer(304);
    assert.equal(await api.thumbnail('m-1', size, 'e'), null);
});

// ---- settings

const DISK = { ours: true, size_bytes: 2.5 * 2 ** 30, path: '/x' };
const VIEW = { name: 'box', notes: '', autostart: null, cpus: 2, memory_mib: 512, network: 'none',
    at_shutdown: 'shutdown', cdrom: null, source: {}, disks: [DISK] };

test('only what differs is asked for', () => {
    assert.deepEqual(changesBetween({ name: 'box', notes: 'n', autostart: null, cpus: 4,
        memory_mib: undefined, disk_gib: 3 }, VIEW), { notes: 'n', cpus: 4 });
    assert.deepEqual(changesBetween({ autostart: null }, { ...VIEW, autostart: 2 }), { autostart: null });
    assert.deepEqual(changesBetween({ disk_gib: 8 }, VIEW), { disk_gib: 8 });
});

test('fields that nobody touched follow the machine, others stay', () => {
    const [before, now] = [{ ...VIEW, cpus: 2, memory_mib: 512 },
        { ...VIEW, cpus: 8, memory_mib: 1024, notes: 'by another', autostart: 3 }];
    const fields = { name: 'box', notes: '', autostart: false, autostart_order: '1', cpus: '4',
        at_shutdown: 'shutdown', memory_mib: '512', network: 'none', disk_gib: '3' };
    assert.deepEqual(following(fields, before, now),
        { notes: 'by another', autostart: true, autostart_order: '3', memory_mib: '1024' });
    assert.deepEqual(following(fields, before, before), {});
    // What is asked for then is what was typed, and nothing of the others' is undone.
    assert.deepEqual(changesBetween({ name: 'box', notes: 'by another', autostart: 3, cpus: 4,
        memory_mib: 1024 }, now), { cpus: 4 });
});

test('the disk that can grow is the first of ours', () => {
    assert.equal(diskGib(VIEW), 3);
    assert.equal(diskGib({ disks: [{ ...DISK, ours: false }] }), null);
});

test('the drive holds an uploaded image, nothing, or a file of the host', () => {
    const images = [{ id: 'i-1' }, { id: 'i-2' }];
    assert.equal(imageInDrive(VIEW, images), '');
    assert.equal(imageInDrive({ ...VIEW, cdrom: '/state/images/i-2.iso' }, images), 'i-2');
    assert.equal(imageInDrive({ ...VIEW, cdrom: '/home/me/x.iso' }, images), null);
});

// ---- shares

test('a link that only this computer could open is made from the page\'s own address', () => {
    for (const url of ['http://127.0.0.1:8080/', 'http://localhost/', 'http://[::1]:1/', 'http://a.localhost/',
        'http://127.9.9.9/', 'http://0.0.0.0/']) {
        assert.ok(isLoopback(url), url);
    }
    for (const url of ['http://127.example.org/', 'https://10.0.0.1/', 'http://localhost.example.org/']) {
        assert.ok(!isLoopback(url), url);
    }
    const link = { url: 'http://127.0.0.1:8080/join#T', path: 'join#T' };
    assert.equal(reachable(link, 'https://vdi.example.org/x/view?m=1'), 'https://vdi.example.org/x/join#T');
    assert.equal(reachable(link, 'http://127.0.0.1:8080/'), 'http://127.0.0.1:8080/join#T');
    const outer = { ...link, url: 'https://vdi.example.org/join#T' };
    assert.equal(reachable(outer, 'http://127.0.0.1:8080/'), outer.url);
    const inner = { ...link, url: 'http://inner.invalid/join#T' };
    assert.equal(reachable(inner, 'https://vdi.example.org/d/'), 'https://vdi.example.org/d/join#T');
});

test('a share link that is damaged has no token; only answers about the link end it', () => {
    assert.deepEqual(['#a%2Db ', '#', '', '#%', '#abc%E3%8'].map(tokenIn), ['a-b', '', '', '', '']);
    const over = (status, reason = '') => isOver({ status, reason });
    assert.deepEqual([over(403, 'share_invalid'), over(422, 'invalid'), over(404)], [true, true, true]);
    assert.deepEqual([over(403, 'foreign'), over(429, 'too_often'), over(503), over(0)],
        [false, false, false, false]);
});

test('links that ended or were revoked let nobody in', () => {
    const share = { revoked: false, expires: 100 };
    const all = [share, { ...share, revoked: true }, { ...share, expires: 9 }, { ...share, expires: null }];
    assert.deepEqual(liveShares(all, 10), [all[0], all[3]]);
});
