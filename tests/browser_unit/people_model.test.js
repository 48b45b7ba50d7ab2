import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Locale } from '../../src/webvdi/browser/portal/locale.js';
import {
    inRank, newlyAsking, standingOf, standingWords,
} from '../../src/webvdi/browser/portal/people_model.js';
import { BROWSER, readJson } from './helpers.js';

const locale = new Locale('en', readJson(new URL('locale/en.json', BROWSER)));

const person = (viewer, more = {}) => ({
    viewer, name: `P${viewer}`, role: 'controller', controls: false, asks: false, you: false,
    samePerson: false, colour: 0, ...more,
});
const me = (more = {}) => person(1, { you: true, name: '', ...more });
const stand = (role, ...people) => {
    const company = {
        people,
        holder: people.find(({ controls }) => controls) ?? null,
        requests: people.filter(({ asks, you, samePerson }) => asks && !you && !samePerson),
    };
    const { asking, ...standing } = standingOf(company, role, locale);
    return { ...standing, asking: asking.map(({ viewer }) => viewer) };
};

test('who is alone is told nothing, whether or not it acts', () => {
    for (const controls of [false, true]) {
        const standing = stand('owner', me({ controls }), person(2, { samePerson: true, controls }));
        assert.equal(standing.kind, 'alone');
        assert.deepEqual(standing.actions, []);
        assert.equal(standingWords(standing, locale), '');
    }
});

test('an onlooker is told so, also alone, and has nothing to ask for', () => {
    assert.deepEqual(stand('observer', me()), {
        kind: 'observer', holder: '', asked: false, actions: [], asking: [] });
    const beside = stand('observer', me(), person(2, { controls: true }));
    assert.deepEqual(beside.actions, []);
    assert.match(standingWords(beside, locale), /P2 is in control/);
});

test('a guest asks whoever acts, once', () => {
    const holder = person(2, { controls: true });
    assert.deepEqual(stand('controller', me(), holder).actions, ['request']);
    const asked = stand('controller', me({ asks: true }), holder);
    assert.deepEqual([asked.actions, asked.asked], [[], true]);
    assert.match(standingWords(asked, locale), /You asked P2/);
});

test('an owner takes; and answers those who ask somebody else', () => {
    const standing = stand('owner', me(), person(2, { controls: true }), person(3, { asks: true }));
    assert.deepEqual([standing.kind, standing.actions, standing.asking], ['other', ['take'], [3]]);
});

test('who acts may hand over, and answers; also from another window of the same person', () => {
    const standing = stand('controller', me(), person(2, { samePerson: true, controls: true }),
        person(3, { asks: true }));
    assert.deepEqual([standing.kind, standing.actions, standing.asking], ['mine', ['release'], [3]]);
});

test('a guest who does not act is not asked', () => {
    const standing = stand('controller', me(), person(2, { controls: true }), person(3, { asks: true }));
    assert.deepEqual(standing.asking, []);
});

test('where nobody acts, acting is what takes control', () => {
    const standing = stand('controller', me(), person(2));
    assert.deepEqual([standing.kind, standing.actions], ['free', []]);
    assert.notEqual(standingWords(standing, locale), '');
});

test('who has no name is called by the role', () => {
    const standing = stand('controller', me(), person(2, { name: '', role: 'owner', controls: true }));
    assert.equal(standing.holder, 'Owner');
});

test('the list: me, my other windows, who acts, who asks, the others by name', () => {
    const people = [person(5, { name: 'b10' }), person(4, { name: 'b9' }), person(3, { asks: true }),
        person(2, { controls: true }), person(6, { samePerson: true }), me()];
    assert.deepEqual(inRank(people, 'en').map(({ viewer }) => viewer), [1, 6, 2, 3, 4, 5]);
});

test('who asks is announced once, and again after asking anew', () => {
    const [ben, eve] = [person(2, { asks: true }), person(3, { asks: true })];
    assert.deepEqual(newlyAsking([], [ben]), [ben]);
    assert.deepEqual(newlyAsking([ben], [ben, eve]), [eve]);
    assert.deepEqual(newlyAsking([], [ben]), [ben]);
});
