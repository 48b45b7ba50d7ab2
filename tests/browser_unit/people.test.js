import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    COLOURS, NOBODY, companyOf, mayAct,
} from '../../src/webvdi/browser/viewer/people.js';
import * as protocol from '../../src/webvdi/browser/viewer/protocol.js';

const { CONTROLS, ASKS, YOU, SAME_PERSON } = protocol.PersonFlag;

const person = (viewer, flags = 0, more = {}) => (
    { viewer, role: 2, flags, colour: viewer, name: `p${viewer}`, ...more });
const company = (...people) => companyOf({ type: 'People', people });

test('there is a colour for every number of the protocol, each another one', () => {
    assert.equal(COLOURS.length, protocol.COLOURS);
    assert.equal(new Set(COLOURS).size, COLOURS.length);
});

test('people are described in words', () => {
    const { people, you } = company(person(1, YOU | CONTROLS, { role: 3 }), person(2, ASKS));
    assert.deepEqual(people[0], {
        viewer: 1, role: 'owner', name: 'p1', colour: 1,
        controls: true, asks: false, you: true, samePerson: false,
    });
    assert.equal(you, people[0]);
    assert.equal(people[1].role, 'controller');
});

test('who has control is told, and whether it is you', () => {
    assert.equal(company(person(1, YOU), person(2, CONTROLS)).holder.viewer, 2);
    assert.equal(company(person(1, YOU), person(2, CONTROLS)).controls, false);
    assert.equal(company(person(1, YOU | CONTROLS)).controls, true);
    assert.equal(company(person(1, YOU)).holder, null);
});

test('one who asks with two viewers asks once, and your own asking is no request to you', () => {
    const twins = { colour: 5, name: 'Aki' };
    const { requests } = company(
        person(1, YOU | ASKS), person(2, SAME_PERSON | ASKS, { colour: 1, name: 'p1' }),
        person(3, ASKS, twins), person(4, ASKS, twins), person(6, ASKS), person(7));
    assert.deepEqual(requests.map(({ name }) => name), ['Aki', 'p6']);
});

test('you may act while you have control, or nobody has', () => {
    assert.equal(mayAct(NOBODY), true);
    assert.equal(mayAct(company(person(1, YOU), person(2))), true);
    assert.equal(mayAct(company(person(1, YOU), person(2, CONTROLS))), false);
    assert.equal(mayAct(company(person(1, YOU | CONTROLS), person(2))), true);
});
