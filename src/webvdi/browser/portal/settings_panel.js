/** The settings of a machine beside its screen. */

import { ApiError, api } from './api.js';
import { clearFieldErrors, showFieldErrors, wordsOf } from './box.js';
import { make } from './dom.js';
import { SettingsForm } from './settings.js';

/** @import { Locale } from './locale.js' */
/** @import { MachineView } from './types.js' */

export class SettingsPanel {
    #form;
    #machine;
    #locale;
    #status = make('p', { class: 'quiet', role: 'status' });
    #save;

    /** @param {MachineView} view @param {Locale} locale */
    constructor(view, locale) {
        this.#machine = view.id;
        this.#locale = locale;
        this.#form = new SettingsForm(view, locale);
        this.#save = make('button', { type: 'submit', class: 'primary' }, locale.text('save_settings'));
        this.element = make('form', { class: 'panel-body', noValidate: true }, this.#form.element,
            make('div', { class: 'panel-foot' }, this.#status, this.#save));
        this.element.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#submit();
        });
    }

    /** @param {MachineView} view */
    update(view) {
        this.#form.update(view);
    }

    async #submit() {
        clearFieldErrors(this.element);
        this.#status.textContent = '';
        this.#save.disabled = true;
        try {
            const changes = this.#form.changes();
            if (Object.keys(changes).length > 0) {
                this.#form.update(await api.change(this.#machine, changes));
            }
            this.#status.className = 'quiet';
            this.#status.textContent = this.#locale.text('settings_saved');
        } catch (error) {
            const fields = error instanceof ApiError ? error.fields : {};
            const rest = error instanceof ApiError
                ? showFieldErrors(this.element, error, this.#locale) : [];
            this.#status.className = 'warning';
            this.#status.textContent = Object.keys(fields).length > 0 ? rest.join(' ')
                : wordsOf(error, this.#locale);
        } finally {
            this.#save.disabled = false;
        }
    }
}
