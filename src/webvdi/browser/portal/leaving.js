/** Logging out, from whichever page. */

import { logOut } from './api.js';
import { wordsOf } from './box.js';
import { toast } from './toast.js';

/** @import { Locale } from './locale.js' */

/** Ends the login, and leads to where one signs in again. @param {Locale} locale */
export async function leave(locale) {
    try {
        await logOut();
        location.assign(`login?out&lang=${locale.language}`);
    } catch (error) {
        toast(wordsOf(error, locale));
    }
}
