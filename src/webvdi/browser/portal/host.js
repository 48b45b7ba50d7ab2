/** What there is to say about the host, at the foot of the list. */

import { make } from './dom.js';
import { formatBytes, formatMemory } from './format.js';
import { element } from './page_elements.js';

/** @import { Locale } from './locale.js' */
/** @import { Finding, HostView } from './types.js' */

/** @param {HostView} host @param {Locale} locale */
export function hostWords(host, locale) {
    const { language } = locale;
    const words = [locale.count('host_running', host.machines.running)];
    if (host.machines.paused > 0) {
        words.push(locale.count('host_paused', host.machines.paused));
    }
    if (host.memory_available_mib !== null) {
        words.push(locale.text('host_memory', { free: formatMemory(host.memory_available_mib, language) }));
    }
    if (host.disk_free_bytes !== null) {
        words.push(locale.text('host_disk', { free: formatBytes(host.disk_free_bytes, language) }));
    }
    return [...words, `webvdi ${host.version}`].join(' · ');
}

/**
 * A finding's lines: what is so, and more about it. Pure.
 * @param {Finding} finding
 * @param {Locale} locale
 */
export function findingWords({ name, text, remedy }, locale) {
    const known = locale.said(`finding.${name}`, text);
    const help = remedy && locale.said(`finding.${name}.remedy`, remedy);
    return (known === text ? [text, help] : [known, help, text]).filter(Boolean);
}

/** @param {HostView} host @param {Locale} locale */
export function fillHost(host, locale) {
    const told = host.findings.filter(({ level }) => level !== 'ok');
    const grave = told.filter(({ level }) => level !== 'note').length;
    element('host').hidden = false;
    element('host-words').textContent = hostWords(host, locale);
    const place = element('host-findings');
    place.hidden = told.length === 0;
    element('host-summary').textContent = grave > 0 ? locale.count('host_warnings', grave)
        : locale.text('host_notes');
    element('host-list').replaceChildren(...told.map((finding) => {
        const [first, ...rest] = findingWords(finding, locale);
        return make('li', { 'data-level': finding.level }, make('span', {}, first),
            ...rest.map((words) => make('span', { class: 'quiet' }, words)));
    }));
    place.dataset['level'] = grave > 0 ? 'warning' : 'note';
}
