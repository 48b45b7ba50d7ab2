/** Letting others in: a new link, and the links that there are. */

import { api } from './api.js';
import { Box } from './box.js';
import { copyFrom, make, pushButton } from './dom.js';
import { choiceField, chosenIn, field, selectInput, textInput } from './fields.js';
import { formatRelative } from './format.js';
import { icon } from './page_elements.js';

/** @import { Locale } from './locale.js' */
/** @import { MachineView, ShareView } from './types.js' */

const HOUR_S = 3600;
export const EXPIRIES_S = Object.freeze([HOUR_S, 2 * HOUR_S, 24 * HOUR_S, 7 * 24 * HOUR_S]);
const MAX_LABEL = 64;

/** Links that still let somebody in. @param {ShareView[]} shares @param {number} now unix seconds */
export const liveShares = (shares, now) => shares.filter(
    (share) => !share.revoked && (share.expires === null || share.expires > now));

/**
 * @param {MachineView} view
 * @param {Locale} locale
 * @param {{closed?: () => void, toast: (words: string) => void}} page
 */
export function openShares(view, locale, { closed, toast }) {
    const text = locale.text.bind(locale);
    const box = new Box(text('share_title', { name: view.title }), locale, { closed });
    const list = make('div', { class: 'share-list' });
    const made = make('div', { class: 'share-made', hidden: true });

    const refresh = async () => {
        const live = liveShares(await api.shares(view.id), Date.now() / 1000);
        list.replaceChildren(
            make('h3', {}, text('share_links')),
            live.length === 0 ? make('p', { class: 'quiet' }, text('share_none'))
                : make('ul', { class: 'rows' }, ...live.map((share) => (
                    shareRow(share, locale, () => box.attempt(async () => {
                        await api.revoke(share.id);
                        toast(text('share_revoked'));
                        await refresh();
                    }))))));
    };

    const expiry = selectInput('expires_in_s', EXPIRIES_S.map((seconds) => (
        [String(seconds), text(`expiry.${seconds}`)])), String(24 * HOUR_S));
    box.body.append(
        choiceField('role', [
            { value: 'view', words: text('share_view'), hint: text('share_view_hint') },
            { value: 'control', words: text('share_control'), hint: text('share_control_hint') },
        ], 'view'),
        make('div', { class: 'columns' },
            field(text('share_expiry'), expiry),
            field(text('share_label'), textInput('label', { maxLength: MAX_LABEL }),
                { hint: text('share_label_hint') })),
        made, list);
    const create = box.submit(text('share_create'), async () => {
        const label = box.form.querySelector('[name=label]');
        const link = await api.share(view.id, {
            control: chosenIn(box.form, 'role') === 'control',
            expires_in_s: Number(expiry.value),
            label: label instanceof HTMLInputElement ? label.value.trim() : '',
        });
        made.replaceChildren(linkField(reachable(link, document.baseURI), locale, toast,
            text('share_link_hint')));
        made.hidden = false;
        made.querySelector('input')?.select();
        await refresh();
    });
    box.foot(pushButton(text('close'), () => box.close()), make('span', { class: 'spring' }), create)
        .show();
    box.attempt(refresh);
}

/**
 * Whether an address means the computer that opens it, whichever that is.
 * @param {string} url
 */
export function isLoopback(url) {
    const { hostname } = new URL(url);
    return /^(127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|(.*\.)?localhost)$/.test(hostname);
}

/**
 * The address to hand on: below the page's own, for of the path at which a proxy shows us only the
 * browser knows; the server's where the page was opened on this computer alone. Pure.
 * @param {{url: string, path: string}} link as the server answers
 * @param {string} base the page's own address
 */
export function reachable({ url, path }, base) {
    const here = new URL(path, base).href;
    return isLoopback(here) && !isLoopback(url) ? url : here;
}

/**
 * A link to hand on.
 * @param {string} url
 * @param {Locale} locale
 * @param {(words: string) => void} toast
 * @param {string} [hint] for whom it is good, and how often
 */
export function linkField(url, locale, toast, hint = '') {
    const input = textInput('link', { value: url, readOnly: true });
    const hand = 'share' in navigator && matchMedia('(any-pointer: coarse)').matches
        ? pushButton(locale.text('share_send'), () => navigator.share({ url }).catch(() => {}))
        : null;
    const copyIt = async () => {
        if (await copyFrom(input)) {
            toast(locale.text('share_copied'));
        }
    };
    const copy = pushButton(locale.text('copy'), copyIt, 'primary');
    input.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') { // here it means this link, not another one
            event.preventDefault();
            copyIt();
        }
    });
    return make('div', { class: 'link-made', role: 'status' },
        field(locale.text('share_link'), input, { hint }),
        isLoopback(url) && make('p', { class: 'warning' }, locale.text('link_loopback')),
        make('div', { class: 'actions tight' }, copy, hand),
        !isLoopback(url) && qrCode(url, locale));
}

/** A link for a camera; it is in the way of nothing where it cannot be drawn. @param {string} url @param {Locale} locale */
function qrCode(url, locale) {
    const image = make('img', { alt: locale.text('qr_code'), width: 176, height: 176 });
    const element = make('figure', { class: 'qr' }, image,
        make('figcaption', { class: 'quiet' }, locale.text('qr_hint')));
    image.onload = () => URL.revokeObjectURL(image.src);
    image.onerror = () => element.remove();
    api.qr(url).then((picture) => {
        image.src = URL.createObjectURL(picture);
    }, () => element.remove());
    return element;
}

/** @param {ShareView} share @param {Locale} locale @param {() => void} revoke */
function shareRow(share, locale, revoke) {
    const now = Date.now() / 1000;
    const kind = locale.text(share.control ? 'share_control' : 'share_view');
    const ends = share.expires === null ? ''
        : locale.text('share_ends', { when: formatRelative(share.expires, now, locale.language) });
    return make('li', { class: 'row' },
        icon(share.control ? 'pointer' : 'eye'),
        make('div', { class: 'row-text' },
            make('strong', {}, share.label || kind),
            make('span', { class: 'quiet' }, [share.label ? kind : '', ends,
                locale.count('share_used', share.used)].filter(Boolean).join(' · '))),
        make('button', {
            type: 'button', onclick: revoke,
            'aria-label': locale.text('share_revoke_of', { name: share.label || kind }),
        }, locale.text('share_revoke')));
}
