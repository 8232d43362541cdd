// WebAuthn: forms with data-passkey ask the browser for a credential and submit it as JSON.
const decodeBase64Url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const encodeBase64Url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decodeIds = (credentials) =>
  (credentials ?? []).map((credential) => ({ ...credential, id: decodeBase64Url(credential.id) }));

function creationOptions(options, passwordless) {
  // Only a discoverable credential can sign in without an email address (WebAuthn Level 2, 5.4.4).
  const passwordlessSelection = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
  return {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    user: { ...options.user, id: decodeBase64Url(options.user.id) },
    excludeCredentials: decodeIds(options.excludeCredentials),
    authenticatorSelection: { ...options.authenticatorSelection, ...(passwordless ? passwordlessSelection : {}) },
  };
}

function requestOptions(options) {
  return {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    allowCredentials: decodeIds(options.allowCredentials),
  };
}

// Browsers that know passkeys but not PublicKeyCredential.toJSON are still in use.
function credentialToJson(credential) {
  const { response } = credential;
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const present = names.filter((name) => response[name]);
  return JSON.stringify({
    id: credential.id,
    rawId: encodeBase64Url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(present.map((name) => [name, encodeBase64Url(response[name])])),
  });
}

async function fetchOptions(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
  const response = await fetch(form.action, { headers: { Accept: "application/json" } });
  return (await response.json()).request_options.publicKey;
}

async function submitCredential(form) {
  const options = await fetchOptions(form);
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: creationOptions(options, form.elements.passwordless?.checked) })
      : await navigator.credentials.get({ publicKey: requestOptions(options) });
  form.elements.credential.value = credentialToJson(credential);
  // form.submit() fires no submit event, so this handler does not run again.
  HTMLFormElement.prototype.submit.call(form);
}

function showError(form, error) {
  const message = form.querySelector("[role=alert]");
  message.textContent =
    error.name === "NotAllowedError"
      ? "The request was cancelled or timed out. Try again."
      : `Your browser couldn't use a passkey: ${error.message}`;
  message.hidden = false;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitCredential(form).catch((error) => showError(form, error));
  });
}
