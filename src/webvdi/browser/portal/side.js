/** What stands beside the screen: people, settings, console, journal; for whom each is. */

import { ConsolePanel } from './console_panel.js';
import { JournalPanel } from './journal_panel.js';
import { Panel } from './panel.js';
import { PeoplePanel } from './people_panel.js';
import { SettingsPanel } from './settings_panel.js';

/** @import { Control } from './control.js' */
/** @import { Locale } from './locale.js' */
/** @import { MachineView, Me } from './types.js' */
/** @import { Viewer } from '../viewer/viewer.js' */

export class Side {
    #viewer;
    #control;
    #rename;
    #name;
    #panel;
    /** @type {PeoplePanel | null} */
    #people = null;
    /** @type {SettingsPanel | null} */
    #settings = null;
    /** @type {JournalPanel | null} */
    #journal = null;
    /** @type {ConsolePanel | null} */
    #console = null;

    /**
     * @param {Viewer} viewer
     * @param {Control} control
     * @param {{name: () => string, rename: (name: string) => void}} person
     */
    constructor(viewer, control, { name, rename }) {
        this.#viewer = viewer;
        this.#control = control;
        this.#name = name;
        this.#rename = rename;
        this.#panel = new Panel(() => viewer.focus());
    }

    /**
     * Makes the tabs anew: for another language, and once it is known who looks at what.
     * @param {Locale} locale
     * @param {Me | null} me
     * @param {MachineView | null} view
     */
    furnish(locale, me, view) {
        this.#people = this.#settings = this.#journal = this.#console = null;
        /** @type {import('./panel.js').Tab[]} */
        const tabs = [{ id: 'people', words: locale.text('people'), make: () => this.#makePeople(locale) }];
        if (me?.role === 'owner' && view?.kind === 'machine') {
            tabs.push(
                { id: 'settings', words: locale.text('settings'), make: () => (
                    this.#settings = new SettingsPanel(view, locale)) },
                { id: 'console', words: locale.text('console'), make: () => (
                    this.#console = new ConsolePanel(view, locale)) },
                { id: 'journal', words: locale.text('journal'), make: () => (
                    this.#journal = new JournalPanel(view.id, locale)) });
        }
        this.#panel.setTabs(tabs);
    }

    /** @param {Locale} locale */
    #makePeople(locale) {
        this.#people = new PeoplePanel({
            locale: () => locale,
            now: () => ({ company: this.#control.company, role: this.#viewer.role }),
            control: (action) => this.#control.act(action),
            answer: (person, granted) => this.#control.answer(person, granted),
            name: this.#name(),
            rename: this.#rename,
        });
        this.#people.update();
        return this.#people;
    }

    updatePeople() {
        this.#people?.update();
    }

    /** @param {MachineView} view */
    updateMachine(view) {
        this.#settings?.update(view);
        this.#journal?.update();
        this.#console?.update(view);
    }

    /** @param {string} tab */
    toggle(tab) {
        this.#panel.toggle(tab);
    }

    /** @param {string} tab */
    open(tab) {
        this.#panel.enter(tab);
    }
}
