// The types of azstt.js. Those of events and messages match `azstt schema`.

/** Containers that can be streamed; "auto" detects one from its first bytes. */
export type Container = "auto" | "webm" | "ogg" | "mp4" | "mp3" | "aac" | "flac" | "wav";

/** Interleaved little-endian PCM: signed integers, or floats from -1 to 1. */
export interface AudioFormat {
  sample_rate?: number;
  channels?: number;
  /** Bytes per sample. */
  sample_width?: 2 | 3 | 4;
  /** Samples are floats; `sample_width` is then 4. */
  floating?: boolean;
}

/** A span of the audio, in seconds from its start, as a player shows them. */
export interface TimeSpan {
  start: number;
  end: number;
}

export interface Word extends TimeSpan {
  text: string;
  confidence: number | null;
  /** The times were interpolated over the segment, not measured. */
  estimated: boolean;
  /**
   * The index in the segment's text of the word's first character, counted in code points
   * (`[...text]`); null if the words are not those of the text.
   */
  text_offset: number | null;
}

export interface Alternative {
  text: string;
  lexical: string;
  itn: string;
  masked: string;
  confidence: number | null;
}

export interface Sound extends TimeSpan {
  text: string;
  accuracy: number | null;
}

export interface PronouncedWord extends TimeSpan {
  text: string;
  accuracy: number | null;
  error: string;
  phonemes: Sound[];
  syllables: Sound[];
}

export interface Pronunciation {
  accuracy: number | null;
  fluency: number | null;
  completeness: number | null;
  prosody: number | null;
  overall: number | null;
  words: PronouncedWord[];
}

/** A span of speech that was recognized as a unit, such as an utterance. */
export interface Segment extends TimeSpan {
  text: string;
  words: Word[];
  confidence: number | null;
  speaker: string | null;
  language: string | null;
  channel: number | null;
  alternatives: Alternative[];
  translations: Record<string, string>;
  pronunciation: Pronunciation | null;
}

/** An error in a message. */
export interface ErrorInfo {
  type: string;
  message: string;
  code: string | null;
  retryable: boolean;
}

export interface Started {
  kind: "started";
  model: string | null;
  session_id: string | null;
}

export interface SpeechStarted {
  kind: "speech_started";
  at: number;
}

/** The hypothesis for the open segment: show `stable + tail`. */
export interface Partial extends TimeSpan {
  kind: "partial";
  text: string;
  /** The part that will not change until the final. */
  stable: string;
  /** The rest, which may still change. */
  tail: string;
  /** What was appended to `stable`. */
  delta: string;
  speaker: string | null;
  language: string | null;
}

/** A finished segment. Its text is empty if the speech contained no words. */
export interface Final {
  kind: "final";
  segment: Segment;
}

export interface SpeechEnded {
  kind: "speech_ended";
  at: number;
}

/** Answers one `commit()`: every final of the audio up to `at`, if there is any, has come. */
export interface Committed {
  kind: "committed";
  at: number;
}

/** The server lost its connection to the recognizer and is reconnecting. */
export interface Reconnecting {
  kind: "reconnecting";
  attempt: number;
  delay: number;
  reason: string;
}

/**
 * Audio that is missing in what was sent ("truncated", "damaged", "absent", "unreadable"), or that
 * was sent and will not be recognized ("dropped"...).
 */
export interface AudioGap extends TimeSpan {
  kind: "audio_gap";
  reason: string;
  /** How many seconds are missing; null if nobody can know. */
  seconds: number | null;
}

/** The session is over: all audio was recognized or is silence. */
export interface Ended {
  kind: "ended";
  position: number;
}

/** The session has failed. */
export interface Failed {
  kind: "failed";
  error: ErrorInfo;
}

/** A command failed; the session goes on. Audio that is not as declared fails the session. */
export interface CommandError {
  kind: "refused";
  command: string | null;
  error: ErrorInfo;
}

/** An event of a session. */
export type LiveEvent =
  | Started
  | SpeechStarted
  | Partial
  | Final
  | SpeechEnded
  | Committed
  | Reconnecting
  | AudioGap
  | Ended
  | Failed
  | CommandError;

/** A message from the server. */
export type ServerMessage =
  | { kind: "opened"; session: string; received: number; grace: number }
  | { kind: "event"; seq: number; event: LiveEvent }
  | { kind: "ack"; received: number }
  | CommandError;

/** A message from the client, besides audio. */
export type Command =
  | {
      kind: "start";
      audio?: Container | AudioFormat;
      language?: string[];
      diarize?: boolean;
      phrases?: string[];
    }
  | { kind: "resume"; session: string; seen: number }
  | { kind: "update"; language?: string[] | null; phrases?: string[] | null }
  | { kind: "commit" }
  | { kind: "finish" }
  | { kind: "ping"; seen: number }
  | { kind: "close" };

/** The details of the events that a client dispatches, by name. */
export type LiveEventMap = { [E in LiveEvent as E["kind"]]: E } & {
  /** The server accepts audio; `resumed` is true after a lost connection. */
  connected: { resumed: boolean };
  /** The connection was lost; another attempt follows in `delay` seconds. */
  disconnected: { attempt: number; delay: number };
};

/** The reason why a session failed or a call was rejected. */
export class LiveError extends Error {
  constructor(error: { type: string; message: string; code?: string | null; retryable?: boolean });
  readonly type: string;
  readonly code: string | null;
  readonly retryable: boolean;
}

export interface LiveTuning {
  /** The most bytes to buffer for the server; beyond that the session fails. Default: 8 MiB. */
  limit?: number;
  /** Milliseconds between pings; after two without an answer it reconnects. Default: 5000. */
  heartbeat?: number;
  /** Milliseconds before the first attempt to reconnect, and at most before later ones. */
  backoff?: [number, number];
  /** Opens a connection. Default: a WebSocket. */
  socket?: (url: string) => Socket;
}

/** The part of a WebSocket that the client uses. Preserves message boundaries and order. */
export interface Socket {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  /** Either of these means that the connection is lost, or could not be made. */
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(message: string | Blob | ArrayBuffer): void;
  close(): void;
}

export interface ConnectOptions {
  /** The audio to come. Default: "auto". */
  audio?: Container | AudioFormat;
  /** BCP-47 tags; several are candidates to detect. */
  language?: string | string[];
  /** Distinguish the speakers. */
  diarize?: boolean;
  /** Words and names to expect. */
  phrases?: string[];
}

/**
 * One live session. It dispatches the session's events under their kind ("partial", "final"...),
 * each with the event as its `detail`, and also "connected", "disconnected" and "refused".
 *
 * After a lost connection it reconnects, for as long as the server keeps the session, and sends
 * again what was not acknowledged: nothing is lost or duplicated. If that fails, it dispatches
 * "failed", once. The first connection is tried once.
 *
 * Methods that return a promise never throw; they reject with a `LiveError`. It is the failure once
 * the session has failed, and a "SessionStateError" for a call that makes no sense at that time.
 *
 * When a page is closed, the session is finished: the server still recognizes what was sent.
 */
export class LiveClient extends EventTarget {
  constructor(tuning?: LiveTuning);

  /** Whether "ended" or "failed" was dispatched, or the session was closed. */
  readonly over: boolean;
  /** The audio format that was passed to `connect`. */
  readonly audio: Container | AudioFormat | undefined;
  /** The finished segments. */
  readonly finals: Segment[];
  /** What is missing. */
  readonly gaps: AudioGap[];
  /** The current hypothesis for the open segment. */
  readonly partial: Partial | null;
  /** The whole text so far. */
  readonly transcript: string;
  /** Bytes that the server has not acknowledged. */
  readonly buffered: number;
  /** The recordings that `finish` stops, from `recordOpus` and `recordPcm`. */
  readonly recordings: Set<Recording>;

  /**
   * Starts the session; resolves when the server accepts audio. Rejects at once if the connection
   * is refused. May be called once.
   */
  connect(url: string | URL, options?: ConnectOptions): Promise<void>;
  /**
   * Sends audio, split at any byte. It is buffered while there is no connection, also before
   * `connect`. Resolves when there is room for more: await it to send faster than real time.
   * Rejects after `finish`, and when the session is over.
   */
  send(audio: ArrayBuffer | ArrayBufferView | Blob): Promise<void>;
  /** Ends the open segment here; its final follows, and then "committed". Throws after `finish`. */
  commit(): void;
  /** Changes options for the audio that follows; those left out stay. Throws after `finish`. */
  update(options: { language?: string | string[]; phrases?: string[] }): void;
  /**
   * Stops the recordings and ends the audio; resolves with the transcript. Rejects before
   * `connect`, and if the session fails or is closed. Later calls return the same promise.
   */
  finish(): Promise<string>;
  /** Ends the session now and discards pending results. Does nothing if it is over. */
  close(): void;

  addEventListener<K extends keyof LiveEventMap>(
    kind: K,
    listener: (event: CustomEvent<LiveEventMap[K]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    kind: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** A recording in progress. */
export interface Recording {
  /** The MIME type of the audio that is sent. */
  readonly type: string;
  /** Stops it; resolves when all of it was passed to the client. `finish` calls it. */
  stop(): Promise<void>;
}

/** The format that `recordPcm` sends, for `connect`. */
export const PCM: Readonly<{ sample_rate: 16000; channels: 1; sample_width: 2 }>;

/**
 * Sends a stream as compressed by the browser (WebM or Ogg with Opus, or MP4), every `timeslice`
 * milliseconds. Connect with `audio: "auto"`. Stops when the session is over.
 */
export function recordOpus(
  stream: MediaStream,
  client: LiveClient,
  options?: { timeslice?: number; bitsPerSecond?: number },
): Recording;

/**
 * Sends a stream as 16-bit mono PCM, every 100 ms. Connect with `audio: PCM`, or with another
 * rate. Stops when the session is over.
 *
 * `worklet` is the URL of `azstt-worklet.js`, if it is not next to `azstt.js`.
 */
export function recordPcm(
  stream: MediaStream,
  client: LiveClient,
  options?: { worklet?: string | URL },
): Promise<Recording>;
