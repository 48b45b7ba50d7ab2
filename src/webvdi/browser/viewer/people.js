/**
 * The people at one screen, as pages and the viewer look at them. Pure.
 */

import { PersonFlag, Role } from './protocol.js';

/** @import { People } from './wire_types.js' */

/**
 * @typedef {object} Person one connected viewer; several may be one person's
 * @property {number} viewer its number, for {@link Viewer.grantControl}
 * @property {'observer' | 'controller' | 'owner'} role
 * @property {string} name chosen by the person; may be empty
 * @property {number} colour 0 to 7, the same for all viewers of a person; see `COLOURS`
 * @property {boolean} controls its person holds control
 * @property {boolean} asks its person asks for control
 * @property {boolean} you it is this viewer
 * @property {boolean} samePerson it is another viewer of yours
 *
 * @typedef {object} Company
 * @property {Person[]} people everyone who is connected, in the order they came
 * @property {Person | null} you this viewer
 * @property {boolean} controls you hold control
 * @property {Person | null} holder who holds control; null: whoever acts next gets it
 * @property {Person[]} requests others who ask for control, one entry a person
 */

const ROLES = /** @type {Record<number, Person['role']>} */ ({
    [Role.OBSERVER]: 'observer', [Role.CONTROLLER]: 'controller', [Role.OWNER]: 'owner',
});

/** CSS colours of people, by their number: told apart on light and dark, also without red and green. */
export const COLOURS = Object.freeze([
    '#0072b2', '#d55e00', '#009e73', '#cc3d8f', '#8a6d00', '#6f42c1', '#c1272d', '#4d6a79',
]);

/** @type {Company} */
export const NOBODY = Object.freeze({
    people: [], you: null, controls: false, holder: null, requests: [],
});

/**
 * @param {People} message
 * @returns {Company}
 */
export function companyOf(message) {
    const people = message.people.map(({ viewer, role, flags, colour, name }) => ({
        viewer,
        role: /** @type {Person['role']} */ (ROLES[role]),
        name,
        colour,
        controls: (flags & PersonFlag.CONTROLS) !== 0,
        asks: (flags & PersonFlag.ASKS) !== 0,
        you: (flags & PersonFlag.YOU) !== 0,
        samePerson: (flags & PersonFlag.SAME_PERSON) !== 0,
    }));
    const you = people.find((person) => person.you) ?? null;
    // Two viewers with the same looks that both ask are one person's.
    const looks = (/** @type {Person} */ { role, name, colour }) => `${role} ${colour} ${name}`;
    const asking = people.filter(({ asks, you: yours, samePerson }) => (
        asks && !yours && !samePerson));
    return {
        people,
        you,
        controls: you?.controls ?? false,
        holder: people.find(({ controls }) => controls) ?? null,
        requests: [...new Map(asking.map((person) => [looks(person), person])).values()],
    };
}

/**
 * Whether what you type reaches the guest, as far as it depends on the others: the session has
 * the last word.
 * @param {Company} company
 */
export const mayAct = (company) => company.controls || company.holder === null;
