// A select that acts by itself when scripts run; without them its form keeps a button.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// Addresses stay short: what a filter form leaves at its default is not part of the address.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    const usual = event.target.elements[name]?.dataset?.default ?? "";
    if (value === usual) event.formData.delete(name);
  }
});
