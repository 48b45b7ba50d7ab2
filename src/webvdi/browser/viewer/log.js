/**
 * The viewer's log: a transcript in which `<` is received, `>` sent, `=` a state, `!` an error.
 *
 * Silent but for warnings, unless `localStorage.webvdi_log` names a lower level.
 */

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** @returns {string} */
function wantedLevel() {
    try {
        return globalThis.localStorage?.getItem('webvdi_log') ?? 'warn';
    } catch {
        return 'warn'; // storage is forbidden in some frames
    }
}

const threshold = Math.max(0, LEVELS.indexOf(wantedLevel()));

/**
 * @param {'debug' | 'info' | 'warn' | 'error'} level
 * @returns {(...parts: unknown[]) => void}
 */
function writer(level) {
    if (LEVELS.indexOf(level) < threshold) {
        return () => {};
    }
    // eslint-disable-next-line no-console -- this is the one place that may
    return (...parts) => console[level]('webvdi', ...parts);
}

export const log = {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
};
