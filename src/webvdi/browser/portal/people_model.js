/** Who is here, who acts, and what I may do about it. Pure. */

/** @import { Company, Person } from '../viewer/people.js' */
/** @import { Locale } from './locale.js' */

/**
 * @typedef {'request' | 'take' | 'release'} ControlAction
 *
 * @typedef {object} Standing
 * @property {'alone' | 'free' | 'mine' | 'other' | 'observer'} kind
 * @property {string} holder the name of who acts; '' for nobody
 * @property {boolean} asked I asked, and wait
 * @property {ControlAction[]} actions
 * @property {Person[]} asking those whom I may answer
 */

/** @param {Person} person */
const isMe = (person) => person.you || person.samePerson;

/** @param {Person} person @param {Locale} locale */
export const nameOf = (person, locale) => person.name || locale.text(`role.${person.role}`);

/**
 * @param {Company} company
 * @param {string} role mine; '' before there is one
 * @param {Locale} locale
 * @returns {Standing}
 */
export function standingOf({ people, holder, requests }, role, locale) {
    const mine = Boolean(holder && isMe(holder));
    const others = people.some((person) => !isMe(person));
    const asked = people.some((person) => isMe(person) && person.asks);
    /** @type {ControlAction[]} */
    const actions = [];
    if (role === 'controller' && holder && !mine && !asked) {
        actions.push('request');
    }
    if (role === 'owner' && holder && !mine) {
        actions.push('take');
    }
    if (mine && others && role !== 'observer') {
        actions.push('release');
    }
    return {
        kind: role === 'observer' ? 'observer' : !others ? 'alone' : mine ? 'mine'
            : holder ? 'other' : 'free',
        holder: holder ? nameOf(holder, locale) : '',
        asked,
        actions,
        asking: mine || role === 'owner' ? requests : [],
    };
}

/**
 * How I stand, in words; '' where there is nothing to say.
 * @param {Standing} standing
 * @param {Locale} locale
 */
export function standingWords({ kind, holder, asked }, locale) {
    switch (kind) {
        case 'observer':
            return holder ? locale.text('control_observer_other', { name: holder })
                : locale.text('control_observer');
        case 'other':
            return locale.text(asked ? 'control_asked' : 'control_other', { name: holder });
        case 'mine': return locale.text('control_mine');
        case 'free': return locale.text('control_free');
        default: return '';
    }
}

/** Me first, then who acts, then who asks, then by name. @param {readonly Person[]} people @param {string} language */
export function inRank(people, language) {
    const rank = (/** @type {Person} */ person) => (
        person.you ? 0 : person.samePerson ? 1 : person.controls ? 2 : person.asks ? 3 : 4);
    const { compare } = new Intl.Collator(language, { numeric: true });
    return [...people].sort((a, b) => (
        rank(a) - rank(b) || compare(a.name, b.name) || a.viewer - b.viewer));
}

/**
 * Who asks now and did not before: each is announced once.
 * @param {readonly Person[]} before
 * @param {readonly Person[]} now
 */
export function newlyAsking(before, now) {
    const known = new Set(before.map(({ viewer }) => viewer));
    return now.filter(({ viewer }) => !known.has(viewer));
}
