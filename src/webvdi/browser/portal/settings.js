/** The settings of a machine. */

import { api } from './api.js';
import { make } from './dom.js';
import { checkField, field, nameIn, numberIn, numberInput, selectInput, textInput } from './fields.js';
import { formatBytes } from './format.js';
import { isHardwareOpen } from './machine_view.js';

/** @import { Box } from './box.js' */
/** @import { Locale } from './locale.js' */
/** @import { ImageView, MachineView } from './types.js' */

export const LIMITS = Object.freeze({ cpus: 255, memory_mib: 4 << 20, disk_gib: 65536, order: 999 });
export const NETWORKS = Object.freeze(['internet', 'none', 'open']);
const GIB = 2 ** 30;

/**
 * What differs from how the machine is. Pure.
 * @param {Record<string, unknown>} wanted
 * @param {MachineView} view
 * @returns {Record<string, unknown>} for PATCH
 */
export function changesBetween(wanted, view) {
    const now = /** @type {Record<string, unknown>} */ ({ ...view, disk_gib: diskGib(view) });
    return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => (
        value !== undefined && value !== (now[name] ?? null))));
}

/**
 * What the fields say of a machine: text, or whether a box is checked. Pure.
 * @param {MachineView} view
 * @returns {Record<string, string | boolean>}
 */
export const shownOf = (view) => ({
    name: view.name,
    notes: view.notes,
    autostart: view.autostart !== null,
    autostart_order: String(view.autostart ?? 1),
    at_shutdown: view.at_shutdown,
    cpus: String(view.cpus ?? ''),
    memory_mib: String(view.memory_mib ?? ''),
    network: view.network ?? 'none',
    disk_gib: String(diskGib(view) ?? ''),
});

/**
 * The fields that are to follow the machine: it changed, and nobody has changed them. Pure.
 * @param {Record<string, string | boolean>} fields as they are now
 * @param {MachineView} before as the fields were filled
 * @param {MachineView} now
 */
export function following(fields, before, now) {
    const [was, is] = [shownOf(before), shownOf(now)];
    return Object.fromEntries(Object.entries(is).filter(([name, value]) => (
        fields[name] === was[name] && value !== was[name])));
}

/** The first disk's size in whole GiB; null where there is none of ours. @param {MachineView} view */
export function diskGib(view) {
    const disk = view.disks.find((each) => each.ours && each.size_bytes !== null);
    return disk?.size_bytes ? Math.ceil(disk.size_bytes / GIB) : null;
}

/** The uploaded image in the drive, '' for none, null for a file of the host. @param {MachineView} view @param {ImageView[]} images */
export function imageInDrive(view, images) {
    if (!view.cdrom) {
        return '';
    }
    const { cdrom, source } = view;
    const first = source['path'] === cdrom ? source['image'] : null;
    return images.find(({ id }) => id === first || cdrom.includes(id))?.id ?? null;
}

/** @param {Locale} locale @returns {[string, string][]} */
export const networkOptions = (locale) => NETWORKS.map((each) => (
    [each, locale.text(`network.${each}`)]));

export class SettingsForm {
    /** As the fields were filled; what they differ in is the reader's. */
    #view;
    #locale;
    #parts = make('div');
    #showOrder = () => {};
    #hardware = make('fieldset', { class: 'plain-set' });
    #why = make('p', { class: 'note' });
    #order;
    #drive = make('div');
    /** @type {HTMLSelectElement | null} */
    #driveChoice = null;
    #driveBefore = '';

    /** @param {MachineView} view @param {Locale} locale */
    constructor(view, locale) {
        this.#view = view;
        this.#locale = locale;
        const text = locale.text.bind(locale);
        const shown = shownOf(view);
        this.name = textInput('name', { value: shown['name'], required: true, maxLength: 63, autocapitalize: 'off' });
        this.notes = make('textarea', { name: 'notes', rows: 3, value: view.notes, maxLength: 4000 });
        this.autostart = checkField('autostart', text('autostart'), view.autostart !== null,
            text('autostart_hint'));
        this.#order = numberInput('autostart_order',
            { value: view.autostart ?? 1, min: 0, max: LIMITS.order });
        this.shutdown = selectInput('at_shutdown', [
            ['shutdown', text('at_shutdown.shutdown')], ['save', text('at_shutdown.save')],
        ], view.at_shutdown);
        this.cpus = numberInput('cpus', { value: view.cpus, min: 1, max: LIMITS.cpus });
        this.memory = numberInput('memory_mib',
            { value: view.memory_mib, min: 16, max: LIMITS.memory_mib, step: 1 });
        this.network = selectInput('network', networkOptions(locale), view.network ?? 'none');
        const disk = diskGib(view);
        this.disk = disk === null ? null
            : numberInput('disk_gib', { value: disk, min: disk, max: LIMITS.disk_gib });
        this.element = this.#layOut();
        this.#show();
        this.#offerDrive();
    }

    #layOut() {
        const text = this.#locale.text.bind(this.#locale);
        const order = field(text('autostart_order'), this.#order, { hint: text('autostart_order_hint') });
        this.#showOrder = () => {
            order.hidden = !this.autostart.box.checked;
        };
        this.autostart.box.addEventListener('change', this.#showOrder);
        this.#showOrder();
        this.#hardware.append(
            make('div', { class: 'columns' }, field(text('cpus_label'), this.cpus),
                field(text('memory_label'), this.memory, { unit: 'MiB' })),
            make('div', { class: 'columns' }, field(text('network_label'), this.network),
                this.disk && field(text('disk_label'), this.disk,
                    { unit: 'GiB', hint: text('disk_grow_hint') })),
            this.#drive);
        return make('div', { class: 'settings' },
            field(text('name_label'), this.name, { hint: text('name_hint') }),
            field(text('notes_label'), this.notes),
            this.autostart.element, order,
            field(text('at_shutdown_label'), this.shutdown),
            make('h3', {}, text('hardware')), this.#why, this.#hardware,
            this.#parts);
    }

    /** The fields by their names. */
    get #fields() {
        return {
            name: this.name, notes: this.notes, autostart_order: this.#order,
            at_shutdown: this.shutdown, cpus: this.cpus, memory_mib: this.memory,
            network: this.network, ...this.disk && { disk_gib: this.disk },
        };
    }

    /**
     * The machine changed meanwhile: what was typed stays, everything else follows.
     * @param {MachineView} view
     */
    update(view) {
        const fields = this.#fields;
        const follow = following({
            ...Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value])),
            autostart: this.autostart.box.checked,
        }, this.#view, view);
        for (const [name, control] of Object.entries(fields)) {
            const value = follow[name];
            if (typeof value === 'string') {
                control.value = value;
            }
        }
        if (typeof follow['autostart'] === 'boolean') {
            this.autostart.box.checked = follow['autostart'];
        }
        const driven = view.cdrom !== this.#view.cdrom;
        this.#view = view;
        this.#show();
        if (driven) {
            this.#offerDrive();
        }
    }

    /** What is not typed. */
    #show() {
        const view = this.#view;
        const open = isHardwareOpen(view);
        this.#hardware.disabled = !open;
        this.#why.hidden = open;
        this.#why.textContent = this.#locale.text('hardware_running');
        this.#showOrder();
        if (this.disk) {
            this.disk.min = String(diskGib(view) ?? 1);
        }
        this.#parts.replaceChildren(partsList(view, this.#locale));
    }

    async #offerDrive() {
        const images = (await api.images().catch(() => [])).filter((image) => image.kind === 'iso');
        const now = imageInDrive(this.#view, images);
        const choice = this.#driveChoice?.value;
        if (choice !== undefined && choice !== this.#driveBefore) { // what was chosen stays
            this.#driveBefore = choice === now ? choice : this.#driveBefore;
            return;
        }
        if (images.length === 0 && !this.#view.cdrom) {
            this.#driveChoice = null;
            this.#drive.replaceChildren();
            return;
        }
        const text = this.#locale.text.bind(this.#locale);
        /** @type {[string, string][]} */
        const options = [['', text('drive_empty')], ...images.map((image) => (
            /** @type {[string, string]} */ ([image.id, image.name])))];
        if (now === null) {
            options.push(['?', (this.#view.cdrom ?? '').split('/').at(-1) ?? '']);
        }
        this.#driveBefore = now ?? '?';
        this.#driveChoice = selectInput('cdrom', options, this.#driveBefore);
        this.#drive.replaceChildren(field(text('drive_label'), this.#driveChoice));
    }

    /** What is to change, for PATCH. */
    changes() {
        const hardware = this.#hardware.disabled ? {} : {
            cpus: numberIn(this.cpus) ?? undefined,
            memory_mib: numberIn(this.memory) ?? undefined,
            network: this.#view.network === null ? undefined : this.network.value,
            disk_gib: this.disk ? numberIn(this.disk) ?? undefined : undefined,
        };
        const changes = changesBetween({
            name: nameIn(this.name, this.#locale),
            notes: this.notes.value,
            autostart: this.autostart.box.checked ? numberIn(this.#order) ?? 1 : null,
            at_shutdown: this.shutdown.value,
            ...hardware,
        }, this.#view);
        const drive = this.#driveChoice?.value;
        if (!this.#hardware.disabled && drive !== undefined && drive !== this.#driveBefore) {
            changes['cdrom'] = drive || null;
        }
        return changes;
    }

    /** The button that saves, and what it does. @param {Box} box @param {(view: MachineView) => void} saved */
    saveIn(box, saved) {
        return box.submit(this.#locale.text('save_settings'), async () => {
            const changes = this.changes();
            saved(Object.keys(changes).length > 0
                ? await api.change(this.#view.id, changes) : this.#view);
        });
    }
}

/** What cannot be changed, but is good to know. @param {MachineView} view @param {Locale} locale */
function partsList(view, locale) {
    const { text, language } = { text: locale.text.bind(locale), language: locale.language };
    /** @type {[string, string][]} */
    const rows = view.disks.map((disk) => [text('part_disk'), [
        disk.size_bytes === null ? '' : formatBytes(disk.size_bytes, language), disk.format,
        disk.ours ? '' : text('part_yours'), disk.path].filter(Boolean).join(' · ')]);
    if (view.cdrom) {
        rows.push([text('drive_label'), view.cdrom]);
    }
    if (view.acceleration) {
        rows.push([text('part_acceleration'), [view.acceleration.toUpperCase(),
            locale.said(`acceleration.${view.acceleration_code}`, view.acceleration_reason),
        ].filter(Boolean).join(': ')]);
    }
    return make('dl', { class: 'parts' }, ...rows.flatMap(([term, words]) => (
        [make('dt', {}, term), make('dd', {}, words)])));
}
