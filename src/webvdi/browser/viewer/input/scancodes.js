/**
 * Which key it is, whatever the layout: `KeyboardEvent.code` to PC/AT set 1 scancode.
 *
 * Codes: UI Events KeyboardEvent code Values, https://www.w3.org/TR/uievents-code/.
 * Scancodes: set 1 as the QEMU Extended Key Event wants it (rfbproto: "XT scancodes"; keys with
 * the prefix 0xE0 have 0x80 set; Print is 0x54, Pause 0xC6). Where tables of set 1 differ (F13
 * to F24, Lang1, Lang2, Open, Paste) the numbers are those that QEMU's keycodemapdb knows.
 */

/** @type {[number, string][]} keys whose scancodes follow each other, from the first one on */
const RUNS = [
    [0x01, 'Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0'],
    [0x0c, 'Minus Equal Backspace Tab'],
    [0x10, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight'],
    [0x1c, 'Enter ControlLeft'],
    [0x1e, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote'],
    [0x2a, 'ShiftLeft Backslash'],
    [0x2c, 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight'],
    [0x37, 'NumpadMultiply AltLeft Space CapsLock'],
    [0x3b, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
    [0x47, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd'],
    [0x4f, 'Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal PrintScreen F16 IntlBackslash'],
    [0x57, 'F11 F12 NumpadEqual F20'],
    [0x5d, 'F13 F14 F15'],
    [0x64, 'Open Paste'],
    [0x76, 'Lang5 Lang4 Lang3 Convert'],
    [0xb8, 'AltRight'],
    [0xc7, 'Home ArrowUp PageUp'],
    [0xcf, 'End ArrowDown PageDown Insert Delete'],
    [0xdb, 'MetaLeft MetaRight ContextMenu Power Sleep'],
    [0xe5, 'BrowserSearch BrowserFavorites BrowserRefresh BrowserStop BrowserForward BrowserBack'],
    [0xeb, 'LaunchApp1 LaunchMail MediaSelect'],
];

/** @type {Record<string, number>} keys that stand alone */
const SINGLES = {
    F17: 0x83, F18: 0xf7, F19: 0x84, F21: 0x74, F22: 0xf9, F23: 0x6d, F24: 0x6f,
    KanaMode: 0x70, Lang2: 0x71, Lang1: 0x72, IntlRo: 0x73, NonConvert: 0x7b, IntlYen: 0x7d,
    NumpadComma: 0x7e, Again: 0x85, Props: 0x86, Undo: 0x87, MediaTrackPrevious: 0x90,
    MediaTrackNext: 0x99, NumpadEnter: 0x9c, ControlRight: 0x9d, AudioVolumeMute: 0xa0,
    LaunchApp2: 0xa1, MediaPlayPause: 0xa2, MediaStop: 0xa4, Suspend: 0xa5,
    AudioVolumeDown: 0xae, AudioVolumeUp: 0xb0, BrowserHome: 0xb2, NumpadDivide: 0xb5,
    Cut: 0xbc, Find: 0xc1, Pause: 0xc6, ArrowLeft: 0xcb, ArrowRight: 0xcd, WakeUp: 0xe3,
    Help: 0xf5, NumpadParenLeft: 0xf6, Copy: 0xf8, NumpadParenRight: 0xfb, Eject: 0xfd,
};

/** Names that some browsers use for keys above. @type {Record<string, string>} */
const ALIASES = {
    OSLeft: 'MetaLeft', OSRight: 'MetaRight', Hiragana: 'Lang4', Katakana: 'Lang3',
    VolumeMute: 'AudioVolumeMute', VolumeDown: 'AudioVolumeDown', VolumeUp: 'AudioVolumeUp',
};

/** @returns {Map<string, number>} */
function table() {
    const codes = new Map(Object.entries(SINGLES));
    for (const [first, names] of RUNS) {
        names.split(' ').forEach((name, index) => codes.set(name, first + index));
    }
    for (const [alias, name] of Object.entries(ALIASES)) {
        codes.set(alias, /** @type {number} */ (codes.get(name)));
    }
    return codes;
}

export const SCANCODES = table();
