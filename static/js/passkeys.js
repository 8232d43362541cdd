// Forms that ask the browser for a passkey before they are sent: what it answers goes along as JSON.
const decode = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

function forCreation(options, alone) {
  const wanted = alone ? { residentKey: "required", requireResidentKey: true, userVerification: "required" } : {};
  return {
    ...options,
    challenge: decode(options.challenge),
    user: { ...options.user, id: decode(options.user.id) },
    excludeCredentials: named(options.excludeCredentials),
    authenticatorSelection: { ...options.authenticatorSelection, ...wanted },
  };
}

const forUse = (options) => ({ ...options, challenge: decode(options.challenge), allowCredentials: named(options.allowCredentials) });

// PublicKeyCredential.toJSON is younger than passkeys.
function asJson(credential) {
  const said = credential.response;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].filter((part) => said[part]);
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(parts.map((part) => [part, encode(said[part])])),
  });
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  return (await answer.json()).request_options.publicKey;
}

async function ask(form) {
  const options = await optionsOf(form);
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: forCreation(options, form.elements.passwordless?.checked) })
      : await navigator.credentials.get({ publicKey: forUse(options) });
  form.elements.credential.value = asJson(credential);
  HTMLFormElement.prototype.submit.call(form);
}

function refuse(form, error) {
  const line = form.querySelector("[role=alert]");
  line.textContent = error.name === "NotAllowedError" ? "That was broken off, or took too long. Try once more." : `This browser could not do it: ${error.message}`;
  line.hidden = false;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form).catch((error) => refuse(form, error));
  });
}
