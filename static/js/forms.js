// Submit a form when its select changes. Without JavaScript the form shows a button instead.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// Keep URLs short: filters at their default value are left out of the query string.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    const defaultValue = event.target.elements[name]?.dataset?.default ?? "";
    if (value === defaultValue) event.formData.delete(name);
  }
});
