// Runs Microsoft's SDK once and prints its results as one line of JSON.
// node recognize.js continuous|once|conversation host|endpoint URL WAV
"use strict";

const fs = require("node:fs");
const sdk = require("microsoft-cognitiveservices-speech-sdk");

const [mode, way, url, wav] = process.argv.slice(2);
const address = new URL(url);
const config = way === "host" ? sdk.SpeechConfig.fromHost(address) : sdk.SpeechConfig.fromEndpoint(address);
config.outputFormat = sdk.OutputFormat.Detailed;
config.speechRecognitionLanguage = "en-US";

const stream = sdk.AudioInputStream.createPushStream();
const audio = sdk.AudioConfig.fromStreamInput(stream);
const samples = fs.readFileSync(wav).subarray(44);
for (let at = 0; at < samples.length; at += 3200) {
  stream.write(new Uint8Array(samples.subarray(at, at + 3200)).buffer);
}
stream.close();

const results = { partials: [], finals: [], errors: [] };

function closeAndPrint(recognizer) {
  recognizer.close(
    () => console.log(JSON.stringify(results)),
    (error) => { throw new Error(error); },
  );
}

function addFinal(result) {
  if (result.text) {
    results.finals.push({ text: result.text, offset: result.offset, speaker: result.speakerId });
  }
}

function listen(recognizer, partial, final, stop) {
  recognizer[partial] = (_, event) => results.partials.push(event.result.text);
  recognizer[final] = (_, event) => addFinal(event.result);
  recognizer.canceled = (_, event) => {
    if (event.reason !== sdk.CancellationReason.EndOfStream) {
      results.errors.push(`${event.errorCode} ${event.errorDetails}`);
    }
  };
  recognizer.sessionStopped = () => stop(() => closeAndPrint(recognizer));
}

if (mode === "once") {
  const recognizer = new sdk.SpeechRecognizer(config, audio);
  recognizer.recognizeOnceAsync((result) => { addFinal(result); closeAndPrint(recognizer); });
} else if (mode === "continuous") {
  const recognizer = new sdk.SpeechRecognizer(config, audio);
  listen(recognizer, "recognizing", "recognized", (then) => recognizer.stopContinuousRecognitionAsync(then));
  recognizer.startContinuousRecognitionAsync();
} else {
  const recognizer = new sdk.ConversationTranscriber(config, audio);
  listen(recognizer, "transcribing", "transcribed", (then) => recognizer.stopTranscribingAsync(then));
  recognizer.startTranscribingAsync();
}
