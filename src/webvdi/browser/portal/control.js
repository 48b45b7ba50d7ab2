/** Control among several people: how I stand, in the tool bar; and who asks, in passing. */

import { fillButtons, setText } from './dom.js';
import { element } from './page_elements.js';
import { nameOf, newlyAsking, standingOf, standingWords } from './people_model.js';
import { hideToast, toast } from './toast.js';

/** @import { Person } from '../viewer/people.js' */
/** @import { Viewer } from '../viewer/viewer.js' */
/** @import { Locale } from './locale.js' */
/** @import { ControlAction, Standing } from './people_model.js' */

/** While there is no connection, nobody stands anywhere. @type {Standing} */
const APART = { kind: 'alone', holder: '', asked: false, actions: [], asking: [] };

export class Control {
    #viewer;
    #locale;
    #openPeople;
    /** @type {Person[]} */
    #asking = [];
    /** @type {Standing['kind']} */
    #kind = 'alone';

    /**
     * @param {Viewer} viewer
     * @param {() => Locale} locale
     * @param {() => void} openPeople
     */
    constructor(viewer, locale, openPeople) {
        this.#viewer = viewer;
        this.#locale = locale;
        this.#openPeople = openPeople;
    }

    get company() {
        return this.#viewer.company;
    }

    /** @param {ControlAction} action */
    act(action) {
        switch (action) {
            case 'request':
                this.#viewer.requestControl();
                toast(this.#locale().text('control_requested'));
                break;
            case 'take': this.#viewer.takeControl(); break;
            case 'release': this.#viewer.releaseControl(); break;
            // no default
        }
    }

    /** @param {number} person @param {boolean} granted */
    answer(person, granted) {
        if (granted) {
            this.#viewer.grantControl(person);
        } else {
            this.#viewer.declineControl(person);
        }
    }

    /** Shows how it is now; announces what is new. */
    update() {
        const locale = this.#locale();
        const standing = this.#viewer.state === 'live'
            ? standingOf(this.company, this.#viewer.role, locale) : APART;
        const words = standingWords(standing, locale);
        const [first] = standing.asking;
        element('control').hidden = words === '' && !first;
        setText(element('control-words'), first
            ? locale.text('control_asks', { name: nameOf(first, locale) }) : words);
        fillButtons(element('control-actions'), first ? answersTo(first, this, locale)
            : standing.actions.map((action) => ({
                key: action, words: locale.text(`control.${action}`), act: () => this.act(action),
            })));
        const watching = ['other', 'observer'].includes(standing.kind);
        element('handle-words').textContent = watching ? words : '';
        document.body.dataset['standing'] = standing.kind;
        const count = this.#viewer.state === 'live' ? this.company.people.length : 0;
        element('people-count').textContent = count > 1 ? String(count) : '';
        this.#announce(standing);
    }

    /** @param {Standing} standing */
    #announce(standing) {
        const locale = this.#locale();
        if (this.#asking.length > 0 && standing.asking.length === 0) {
            hideToast(); // answered elsewhere, or taken back: the offer stands no more
        }
        if (standing.kind === 'mine' && this.#kind === 'other') {
            toast(locale.text('control_got'));
        } else if (standing.kind === 'other' && this.#kind === 'mine') {
            toast(locale.text('control_lost', { name: standing.holder }),
                { words: locale.text('people'), act: this.#openPeople });
        }
        // Last, for it wants an answer: who asks is more than how I stand.
        for (const person of newlyAsking(this.#asking, standing.asking)) {
            toast(locale.text('control_asks', { name: nameOf(person, locale) }),
                { words: locale.text('control.grant'), act: () => this.answer(person.viewer, true) },
                { words: locale.text('control.decline'), act: () => this.answer(person.viewer, false) });
        }
        this.#asking = standing.asking;
        this.#kind = standing.kind;
    }
}

/**
 * The two answers to who asks for control, as buttons.
 * @param {Person} person
 * @param {{answer: (viewer: number, granted: boolean) => void}} page
 * @param {Locale} locale
 * @param {string} [look] of the first
 */
export const answersTo = ({ viewer }, page, locale, look = '') => [
    { key: `grant:${viewer}`, words: locale.text('control.grant'), act: () => page.answer(viewer, true), look },
    { key: `decline:${viewer}`, words: locale.text('control.decline'), act: () => page.answer(viewer, false) },
];
