/**
 * The shapes of the viewer protocol's messages, as docs/reference/viewer-protocol.md has them.
 *
 * @typedef {{type: 'Attach', version: number, kind: number, credential: string,
 *     last_update: number, capabilities: number, width: number, height: number}} Attach
 * @typedef {{type: 'Ack', update: number, cost_ms: number, waiting: number}} Ack
 * @typedef {{type: 'Visibility', visible: boolean}} Visibility
 * @typedef {{type: 'Ping', token: number}} Ping
 * @typedef {{type: 'Pong', token: number}} Pong
 * @typedef {{type: 'GiveCredentials', username: string, password: string}} GiveCredentials
 * @typedef {{type: 'Control', action: number, viewer: number}} Control
 *
 * @typedef {{type: 'Key', down: boolean, keysym: number, scancode: number}} Key
 * @typedef {{type: 'Pointer', x: number, y: number, buttons: number}} Pointer
 * @typedef {{type: 'Motion', dx: number, dy: number, buttons: number}} Motion
 * @typedef {{type: 'Wheel', x: number, y: number, dx: number, dy: number}} Wheel
 * @typedef {{type: 'ReleaseKeys'}} ReleaseKeys
 * @typedef {{type: 'Text', text: string}} Text
 * @typedef {{type: 'Clipboard', text: string}} Clipboard
 * @typedef {{type: 'ScreenSize', width: number, height: number}} ScreenSize
 * @typedef {Key | Pointer | Motion | Wheel | ReleaseKeys | Text | Clipboard | ScreenSize} Input
 * @typedef {Input & {input: number}} NumberedInput
 * @typedef {Attach | Ack | Visibility | Ping | Pong | GiveCredentials | Control |
 *     NumberedInput} FromViewer
 *
 * @typedef {{type: 'Welcome', version: number, viewer: number, role: number, resumed: boolean,
 *     last_input: number, resume_key: string, name: string}} Welcome
 * @typedef {{type: 'Desktop', width: number, height: number}} Desktop
 * @typedef {{codec: number, x: number, y: number, width: number, height: number,
 *     payload: Uint8Array<ArrayBuffer>}} Piece
 * @typedef {{type: 'Update', update: number, lossy: number, pieces: Piece[]}} Update
 * @typedef {{type: 'CursorShape', hot_x: number, hot_y: number, width: number, height: number,
 *     rgba: Uint8Array<ArrayBuffer>}} CursorShape
 * @typedef {{type: 'Machine', state: number, detail: string}} Machine
 * @typedef {{type: 'Leds', leds: number}} Leds
 * @typedef {{type: 'RingBell'}} RingBell
 * @typedef {{type: 'GuestClipboard', text: string}} GuestClipboard
 * @typedef {{type: 'Name', name: string}} Name
 * @typedef {{type: 'PointerMode', absolute: boolean}} PointerMode
 * @typedef {{type: 'InputAck', input: number}} InputAck
 * @typedef {{type: 'Farewell', reason: number, message: string}} Farewell
 * @typedef {{viewer: number, role: number, flags: number, colour: number,
 *     name: string}} Person
 * @typedef {{type: 'People', people: Person[]}} People
 * @typedef {{type: 'RemotePointer', viewer: number, shown: boolean, x: number,
 *     y: number}} RemotePointer
 * @typedef {Welcome | Desktop | Update | CursorShape | Machine | Leds | RingBell |
 *     GuestClipboard | Name | PointerMode | InputAck | Pong | Ping | Farewell | People |
 *     RemotePointer} ToViewer
 */

export {};
