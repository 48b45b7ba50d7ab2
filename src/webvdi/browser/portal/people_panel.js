/** The list of who is here, with what I may do about control. */

import { COLOURS } from '../viewer/people.js';
import { answersTo } from './control.js';
import { arrange, fillButtons, make, setText } from './dom.js';
import { field, textInput } from './fields.js';
import { inRank, nameOf, standingOf, standingWords } from './people_model.js';

/** @import { Company, Person } from '../viewer/people.js' */
/** @import { Locale } from './locale.js' */
/** @import { ControlAction } from './people_model.js' */

/**
 * @typedef {object} PeoplePage
 * @property {() => Locale} locale
 * @property {() => {company: Company, role: string}} now
 * @property {(action: ControlAction) => void} control
 * @property {(viewer: number, granted: boolean) => void} answer
 * @property {string} name mine, as it was chosen before
 * @property {(name: string) => void} rename
 */

const MAX_NAME = 64;

export class PeoplePanel {
    #page;
    #words = make('p', { class: 'note', role: 'status' });
    #buttons = make('div', { class: 'actions tight' });
    #rows = make('ul', { class: 'rows people' });
    /** @type {Map<number, PersonRow>} by viewer */
    #made = new Map();
    #name;

    /** @param {PeoplePage} page */
    constructor(page) {
        this.#page = page;
        const text = page.locale().text.bind(page.locale());
        const name = this.#name = textInput('display_name', {
            value: page.name, maxLength: MAX_NAME, autocomplete: 'name',
        });
        const rename = make('form', { class: 'rename', onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            page.rename(name.value.trim());
        } }, field(text('join_name'), name, { hint: text('join_name_hint') }),
        make('button', { type: 'submit' }, text('save_settings')));
        this.element = make('div', { class: 'panel-body' }, this.#words, this.#buttons, this.#rows, rename);
    }

    update() {
        const locale = this.#page.locale();
        const { company, role } = this.#page.now();
        const standing = standingOf(company, role, locale);
        setText(this.#words, standingWords(standing, locale) || locale.text('people_alone'));
        this.#buttons.hidden = standing.actions.length === 0;
        fillButtons(this.#buttons, standing.actions.map((action) => ({
            key: action, words: locale.text(`control.${action}`),
            act: () => this.#page.control(action), look: action === 'release' ? '' : 'primary',
        })));
        this.#name.placeholder = role ? locale.text(`role.${role}`) : '';
        const people = inRank(company.people, locale.language);
        for (const viewer of this.#made.keys()) {
            if (!people.some((person) => person.viewer === viewer)) {
                this.#made.delete(viewer);
            }
        }
        arrange(this.#rows, people.map((person) => (
            this.#row(person, standing.asking.includes(person)))));
    }

    /** The person's row, as the person is now. @param {Person} person @param {boolean} answerable */
    #row(person, answerable) {
        const locale = this.#page.locale();
        const row = this.#made.get(person.viewer) ?? new PersonRow();
        this.#made.set(person.viewer, row);
        row.show(person, locale, answerable ? answersTo(person, this.#page, locale, 'primary') : []);
        return row.element;
    }
}

/** One person; the same row for as long as the person is here. */
class PersonRow {
    #mark = make('span', { class: 'person-mark', 'aria-hidden': 'true' });
    #name = make('strong');
    #notes = make('span', { class: 'quiet' });
    #buttons = make('div', { class: 'row-buttons' });
    element = make('li', { class: 'row' }, this.#mark,
        make('div', { class: 'row-text' }, this.#name, this.#notes), this.#buttons);

    /** @param {Person} person @param {Locale} locale @param {import('./dom.js').ButtonWish[]} answers */
    show(person, locale, answers) {
        const name = nameOf(person, locale);
        setText(this.#mark, [...name][0] ?? '');
        this.#mark.style.background = COLOURS[person.colour] ?? ''; // as the person's pointer
        setText(this.#name, name);
        setText(this.#notes, [
            person.you ? locale.text('people_you') : person.samePerson ? locale.text('people_same') : '',
            person.name ? locale.text(`role.${person.role}`) : '',
            person.controls ? locale.text('people_controls') : '',
            person.asks ? locale.text('people_asks') : '',
        ].filter(Boolean).join(' · '));
        this.#buttons.hidden = answers.length === 0;
        fillButtons(this.#buttons, answers);
    }
}
