/** What the REST interface answers, as docs/reference/rest-api.md has it. Types only. */

/**
 * @typedef {'start' | 'stop' | 'kill' | 'reset' | 'pause' | 'resume' | 'save' | 'delete' | 'set'} Verb
 *
 * @typedef {object} Progress
 * @property {string} phase
 * @property {number} done
 * @property {number} total 0 where nobody knows
 *
 * @typedef {object} DiskView
 * @property {string} name
 * @property {string} path
 * @property {string} format
 * @property {number | null} size_bytes
 * @property {boolean} ours false: a file of the user's, never deleted with the machine
 *
 * @typedef {object} MachineView
 * @property {string} id
 * @property {'machine' | 'display'} kind
 * @property {string} name
 * @property {string} title
 * @property {'creating' | 'ready' | 'failed' | 'deleting'} phase
 * @property {string} state stopped, starting, running, paused, saved, stopping or crashed
 * @property {Verb[]} can
 * @property {number} generation
 * @property {number | null} since unix seconds
 * @property {string} detail
 * @property {string | null} exit_reason
 * @property {Progress | null} progress
 * @property {Record<string, unknown>} source
 * @property {number | null} cpus
 * @property {number | null} memory_mib
 * @property {string | null} network
 * @property {string | null} profile
 * @property {string | null} acceleration
 * @property {string} acceleration_reason
 * @property {string} acceleration_code
 * @property {DiskView[]} disks
 * @property {string | null} cdrom
 * @property {number | null} autostart
 * @property {string} at_shutdown
 * @property {string} notes
 * @property {number} created unix seconds
 * @property {number} viewers
 * @property {'live' | 'connecting' | 'unreachable' | 'password' | null} link of a display; null while nobody looks
 *
 * @typedef {object} ShareView
 * @property {string} id
 * @property {string} machine
 * @property {string} machine_name
 * @property {boolean} control
 * @property {string} label
 * @property {number} created
 * @property {number | null} expires
 * @property {number} used how often the link was opened
 * @property {boolean} revoked
 *
 * @typedef {object} Me
 * @property {string} subject
 * @property {'owner' | 'controller' | 'observer'} role
 * @property {{id: string, machine: string, label: string, expires: number | null} | null} share
 * @property {'service' | 'view'} mode
 * @property {string} version
 * @property {boolean} login whether they signed in, and can sign out
 *
 * @typedef {object} GuestView
 * @property {string} name
 * @property {string} title
 * @property {string} summary
 * @property {boolean} built
 * @property {number | null} size_bytes
 * @property {Progress | null} building
 * @property {string} failed why the last build failed; empty otherwise
 * @property {number} cpus
 * @property {number} memory_mib
 * @property {number | null} expected_minutes of a build
 * @property {boolean} cancelled whether the last build was cancelled
 *
 * @typedef {object} Finding something that was found out about the host
 * @property {string} name
 * @property {'ok' | 'note' | 'warning' | 'failure'} level
 * @property {string} text
 * @property {string} remedy
 *
 * @typedef {object} HostView
 * @property {string} version
 * @property {Finding[]} findings
 * @property {{total: number, running: number, paused: number, memory_mib: number}} machines
 * @property {number | null} memory_available_mib
 * @property {number | null} disk_free_bytes
 *
 * @typedef {object} ImageView
 * @property {string} id
 * @property {string} name
 * @property {'iso' | 'disk'} kind
 * @property {string} format
 * @property {number} size_bytes
 * @property {number} created
 * @property {string[]} in_use_by
 *
 * @typedef {object} UploadView
 * @property {string} id
 * @property {string} name
 * @property {number} size_bytes
 * @property {number} offset how much is there, and where the next piece goes
 * @property {number} expires
 * @property {string | null} image the id of what became of it, once complete
 *
 * @typedef {object} JournalEntry
 * @property {number} when
 * @property {string} kind
 * @property {string} text
 *
 * @typedef {object} Change
 * @property {'machine' | 'gone' | 'viewers' | 'guest' | 'image' | 'share'} kind
 * @property {string} id
 *
 * @typedef {object} SerialPiece
 * @property {Uint8Array} bytes
 * @property {number} offset
 * @property {number} next
 * @property {number} start
 */

export {};
