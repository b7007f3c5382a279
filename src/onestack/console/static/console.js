// A spec from a file is put into the form's text, so that nothing is uploaded before "Show".
"use strict";

const file = document.getElementById("spec-file");
if (file) {
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    document.getElementById("spec").value = await file.files[0].text();
    document.querySelector("input[name=which][value=mine]").checked = true;
  });
  document.getElementById("spec").addEventListener("input", () => {
    document.querySelector("input[name=which][value=mine]").checked = true;
  });
}

// A part that the console itself does not answer for says so, and is asked again at its next turn.
function lost(event) {
  const target = event.detail.target || event.target;
  const status = event.detail.xhr && event.detail.xhr.status;
  if (status === 401) {
    window.location.reload();
    return;
  }
  const said = document.createElement("p");
  said.className = "problem";
  said.textContent = status
    ? `The console answered with status ${status}: ${event.detail.xhr.responseText.slice(0, 200)}`
    : "The console does not answer; it may have ended. `onestack console` starts it again.";
  target.replaceChildren(said);
}
document.body.addEventListener("htmx:responseError", lost);
document.body.addEventListener("htmx:sendError", lost);
