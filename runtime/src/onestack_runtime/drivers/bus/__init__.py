"""An oslo.messaging driver for services that share one process (`transport_url = onestack://`).

In the embedded layout all workers of a project are threads of one process. An external message broker would only
cost memory, start time and latency. oslo.messaging's own `fake://` driver passes live objects, polls every 50 ms and
never drops a message; this driver behaves as RabbitMQ does:

* Messages are JSON: sender and receiver never share an object. A remote exception is rebuilt from its description,
  and only if its module is one that the client allows.
* Messages to a topic go to its servers in turn; a message to a named server waits for that server. A fanout reaches
  each present listener once. Control exchanges are separate, and so are virtual hosts (`onestack:///name`): the
  process has one broker for each virtual host, which all its transports share.
* The receiver may start later than the sender: casts and notifications wait in a queue, calls until their timeout.
  RabbitMQ drops messages to a server that has never been up; waiting avoids errors while services start.
* Threads wait on conditions; nothing polls.
* Memory is bounded. A full RPC queue raises `MessageDeliveryFailure`; a full queue of notifications or fanouts drops
  its oldest message and logs a warning.

The bus exists only within its process; a forked child has a bus of its own.
"""
