/** What a new machine is to be: from the dialog's fields to the request. Pure. */

/** @import { GuestView, ImageView, MachineView } from './types.js' */

export const DEFAULT_DISK_GIB = 20;

/**
 * @typedef {{kind: 'guest', guest: GuestView} | {kind: 'image', image: ImageView}} Source
 *
 * @typedef {object} Wishes as the fields say; null is left to the server
 * @property {string} name
 * @property {number | null} cpus
 * @property {number | null} memory_mib
 * @property {number | null} disk_gib
 * @property {string} network
 * @property {string} profile
 * @property {string} disk_mode
 * @property {boolean} start
 * @property {boolean} autostart
 */

/**
 * A free name that tells where the machine is from.
 * @param {string} stem a guest's name, or that of a file
 * @param {Pick<MachineView, 'name'>[]} others
 */
export function freeName(stem, others) {
    const base = stem.replace(/\.(iso|img|raw|qcow2?|vmdk)$/i, '').normalize('NFKD')
        .replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 48)
        .replace(/[^A-Za-z0-9]+$/, '') || 'machine';
    const taken = new Set(others.map(({ name }) => name));
    for (let n = 1; ; n += 1) {
        const name = n === 1 ? base : `${base}-${n}`;
        if (!taken.has(name)) {
            return name;
        }
    }
}

/** The name a source suggests. @param {Source} source */
export const stemOf = (source) => (source.kind === 'guest' ? source.guest.name : source.image.name);

/**
 * The request's body.
 * @param {Source} source
 * @param {Wishes} wishes
 * @returns {Record<string, unknown>}
 */
export function requestFor(source, wishes) {
    const { name, cpus, memory_mib, disk_gib, network, profile, disk_mode, start, autostart } = wishes;
    const wanted = {
        name: name.trim(), cpus, memory_mib, disk_gib, start,
        network: network || null,
        autostart: autostart ? 1 : null,
    };
    if (source.kind === 'guest') {
        return { ...wanted, guest: source.guest.name };
    }
    const isDisk = source.image.kind === 'disk';
    return {
        ...wanted, image: source.image.id, profile: profile || null,
        ...(isDisk ? { disk_mode } : { disk_gib: disk_gib ?? DEFAULT_DISK_GIB }),
    };
}
