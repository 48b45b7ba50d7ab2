/**
 * In the page, after page_timer.js, in traced rounds only: writes down when messages come and go
 * and when the canvas is drawn on. Milliseconds since 1970, as the other processes' clocks.
 */

(() => {
    const timer = window.pageTimer;
    const log = [];
    timer.note = (what, size) => log.push(
        [performance.timeOrigin + performance.now(), what, size]);

    /** All that was noted since it was asked for last. */
    timer.takeLog = () => log.splice(0);
})();
