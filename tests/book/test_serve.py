"""The site's own server."""

import socket
import threading
import urllib.request

from twice.book import serve


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve.free_port(port) != port


def test_a_folder_is_served_to_this_machine(tmp_path):
    (tmp_path / "index.html").write_text("the book")
    with serve.server(tmp_path) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{running.server_port}/") as answer:
            assert answer.read() == b"the book"
        running.shutdown()
        thread.join()


def test_without_a_site_it_says_what_to_type(tmp_path, capsys):
    assert serve.main([str(tmp_path)]) == 1
    assert "make site" in capsys.readouterr().out
