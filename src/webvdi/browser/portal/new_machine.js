/** The dialog for a new machine: what from, and how large. */

import { api } from './api.js';
import { Box } from './box.js';
import { make, pushButton } from './dom.js';
import { checkField, field, nameIn, numberIn, numberInput, selectInput, textInput } from './fields.js';
import { DEFAULT_DISK_GIB, freeName, requestFor, stemOf } from './new_machine_plan.js';
import { LIMITS, networkOptions } from './settings.js';
import { SourceList } from './source_list.js';

/** @import { Locale } from './locale.js' */
/** @import { Source } from './new_machine_plan.js' */
/** @import { MachineView } from './types.js' */
/** @import { Uploads } from './upload.js' */

export class NewMachineDialog {
    #locale;
    #others;
    #created;
    #box;
    #list;
    #named = false;
    #name;
    #cpus;
    #memory;
    #disk;
    #diskField;
    #network;
    #profile;
    #mode;
    #start;
    #autostart;
    #forImages;
    #forDisks;

    /**
     * @param {Locale} locale
     * @param {Uploads} uploads
     * @param {() => MachineView[]} others the machines that there are
     * @param {(view: MachineView) => void} created
     */
    constructor(locale, uploads, others, created) {
        this.#locale = locale;
        this.#others = others;
        this.#created = created;
        const text = locale.text.bind(locale);
        this.#list = new SourceList(uploads, locale, (source) => this.#chosen(source));
        this.#box = new Box(text('new_title'), locale, {
            wide: true, closed: () => this.#list.close(),
        });
        this.#name = textInput('name', {
            required: true, maxLength: 63, autocapitalize: 'off', oninput: () => {
                this.#named = this.#name.value !== '';
            },
        });
        const automatic = text('automatic');
        this.#cpus = numberInput('cpus', { min: 1, max: LIMITS.cpus, placeholder: automatic });
        this.#memory = numberInput('memory_mib', { min: 16, max: LIMITS.memory_mib, placeholder: automatic });
        this.#disk = numberInput('disk_gib', { min: 1, max: LIMITS.disk_gib, placeholder: automatic });
        this.#diskField = field(text('disk_label'), this.#disk, { unit: 'GiB', hint: ' ' });
        this.#network = selectInput('network',
            [['', text('network.auto')], ...networkOptions(locale)], '');
        this.#profile = selectInput('profile', [['', text('profile.auto')],
            ['linux', text('profile.linux')], ['generic', text('profile.generic')]], '');
        this.#mode = selectInput('disk_mode', [
            ['copy', text('disk_mode.copy')], ['overlay', text('disk_mode.overlay')]], 'copy');
        this.#start = checkField('start', text('start_now'), true);
        this.#autostart = checkField('autostart', text('autostart'), false, text('autostart_hint'));
        this.#forImages = make('div', {}, field(text('profile_label'), this.#profile,
            { hint: text('profile_hint') }));
        this.#forDisks = make('div', {}, field(text('disk_mode_label'), this.#mode));
    }

    /** @param {File[]} [files] to upload, dropped on the page */
    show(files = []) {
        const text = this.#locale.text.bind(this.#locale);
        this.#box.body.append(make('div', { class: 'new-machine' },
            make('section', { 'aria-label': text('new_source') },
                make('h3', {}, text('new_source')), this.#list.element),
            make('section', { 'aria-label': text('new_shape') },
                make('h3', {}, text('new_shape')),
                field(text('name_label'), this.#name, { hint: text('name_hint') }),
                make('div', { class: 'columns' }, field(text('cpus_label'), this.#cpus),
                    field(text('memory_label'), this.#memory, { unit: 'MiB' })),
                this.#diskField, field(text('network_label'), this.#network),
                this.#forDisks, this.#forImages,
                this.#start.element, this.#autostart.element)));
        const create = this.#box.submit(text('create'), () => this.#create());
        this.#box.foot(pushButton(text('cancel'), () => this.#box.close()),
            make('span', { class: 'spring' }), create).show();
        this.#chosen(null);
        this.#box.attempt(async () => {
            await this.#list.load();
            for (const file of files) {
                this.#list.upload(file);
            }
        });
    }

    get open() {
        return this.#box.open;
    }

    /** Lists what changed meanwhile: guests that are being built, images. */
    refresh() {
        if (this.#box.open) {
            this.#list.load().catch(() => {});
        }
    }

    /** @param {Source | null} source */
    #chosen(source) {
        const { text } = { text: this.#locale.text.bind(this.#locale) };
        const image = source?.kind === 'image' ? source.image : null;
        this.#forImages.hidden = !image;
        this.#forDisks.hidden = image?.kind !== 'disk';
        const automatic = text('automatic');
        this.#cpus.placeholder = source?.kind === 'guest' ? String(source.guest.cpus) : automatic;
        this.#memory.placeholder = source?.kind === 'guest' ? String(source.guest.memory_mib) : automatic;
        const blank = image?.kind === 'iso';
        this.#disk.placeholder = blank ? String(DEFAULT_DISK_GIB) : text('as_it_is');
        const hint = this.#diskField.querySelector('p');
        if (hint) {
            hint.textContent = text(blank ? 'disk_blank_hint' : 'disk_grow_hint');
        }
        if (source && !this.#named) {
            this.#name.value = freeName(stemOf(source), this.#others());
        }
    }

    async #create() {
        const source = this.#list.chosen;
        if (!source) {
            this.#box.fail(this.#locale.text('new_choose'));
            return;
        }
        const view = await api.create(requestFor(source, {
            name: nameIn(this.#name, this.#locale),
            cpus: numberIn(this.#cpus),
            memory_mib: numberIn(this.#memory),
            disk_gib: numberIn(this.#disk),
            network: this.#network.value,
            profile: this.#profile.value,
            disk_mode: this.#mode.value,
            start: this.#start.box.checked,
            autostart: this.#autostart.box.checked,
        }));
        this.#box.close();
        this.#created(view);
    }
}
