/**
 * Keysyms of the keys that have a name instead of a character.
 *
 * Names: UI Events KeyboardEvent key Values, https://www.w3.org/TR/uievents-key/. Numbers:
 * keysymdef.h and XF86keysym.h. An array holds the keysyms by `KeyboardEvent.location`:
 * standard, left, right, number pad.
 */

/** @type {Record<string, number | number[]>} */
export const NAMED_KEYSYMS = {
    Backspace: 0xff08, Tab: 0xff09, Clear: 0xff0b, Escape: 0xff1b, Pause: 0xff13,
    Enter: [0xff0d, 0xff0d, 0xff0d, 0xff8d],
    Shift: [0xffe1, 0xffe1, 0xffe2], Control: [0xffe3, 0xffe3, 0xffe4],
    Alt: [0xffe9, 0xffe9, 0xffea], Meta: [0xffeb, 0xffeb, 0xffec],
    OS: [0xffeb, 0xffeb, 0xffec], Super: [0xffeb, 0xffeb, 0xffec],
    Hyper: [0xffed, 0xffed, 0xffee], AltGraph: 0xfe03,
    CapsLock: 0xffe5, NumLock: 0xff7f, ScrollLock: 0xff14, PrintScreen: 0xff61,
    Home: [0xff50, 0xff50, 0xff50, 0xff95], ArrowLeft: [0xff51, 0xff51, 0xff51, 0xff96],
    ArrowUp: [0xff52, 0xff52, 0xff52, 0xff97], ArrowRight: [0xff53, 0xff53, 0xff53, 0xff98],
    ArrowDown: [0xff54, 0xff54, 0xff54, 0xff99], PageUp: [0xff55, 0xff55, 0xff55, 0xff9a],
    PageDown: [0xff56, 0xff56, 0xff56, 0xff9b], End: [0xff57, 0xff57, 0xff57, 0xff9c],
    Insert: [0xff63, 0xff63, 0xff63, 0xff9e], Delete: [0xffff, 0xffff, 0xffff, 0xff9f],
    Select: 0xff60, Execute: 0xff62, Undo: 0xff65, Redo: 0xff66, ContextMenu: 0xff67,
    Find: 0xff68, Cancel: 0xff69, Help: 0xff6a, ModeChange: 0xff7e,
    Compose: 0xff20, KanjiMode: 0xff21, NonConvert: 0xff22, Convert: 0xff23, Romaji: 0xff24,
    Hiragana: 0xff25, Katakana: 0xff26, HiraganaKatakana: 0xff27, Zenkaku: 0xff28,
    Hankaku: 0xff29, ZenkakuHankaku: 0xff2a, KanaMode: 0xff2d, Eisu: 0xff30,
    Alphanumeric: 0xff30, HangulMode: 0xff31, HanjaMode: 0xff34,
    AudioVolumeDown: 0x1008ff11, AudioVolumeMute: 0x1008ff12, AudioVolumeUp: 0x1008ff13,
    MediaPlayPause: 0x1008ff14, MediaStop: 0x1008ff15, MediaTrackPrevious: 0x1008ff16,
    MediaTrackNext: 0x1008ff17, BrowserHome: 0x1008ff18, LaunchMail: 0x1008ff19,
    BrowserSearch: 0x1008ff1b, BrowserBack: 0x1008ff26, BrowserForward: 0x1008ff27,
    BrowserStop: 0x1008ff28, BrowserRefresh: 0x1008ff29, PowerOff: 0x1008ff2a,
    WakeUp: 0x1008ff2b, Eject: 0x1008ff2c, Standby: 0x1008ff10, BrowserFavorites: 0x1008ff30,
    Copy: 0x1008ff57, Cut: 0x1008ff58, Open: 0x1008ff6b, Paste: 0x1008ff6d,
};

// F1 to F24 follow each other in keysymdef.h.
for (let number = 1; number <= 24; number += 1) {
    NAMED_KEYSYMS[`F${number}`] = 0xffbd + number;
}

/** What the number pad's characters are called. @type {Record<string, number>} */
export const NUMPAD_KEYSYMS = {
    '*': 0xffaa, '+': 0xffab, ',': 0xffac, '-': 0xffad, '.': 0xffae, '/': 0xffaf, '=': 0xffbd,
};
for (let digit = 0; digit <= 9; digit += 1) {
    NUMPAD_KEYSYMS[String(digit)] = 0xffb0 + digit;
}
