"""What faulthandler left is cut to the thread at fault, and its frames say which cell they are of."""

from __future__ import annotations

from agentlog.faulttext import at_fault, with_cell

KERNEL = """Fatal Python error: Segmentation fault

Thread 0x00007f8cf26fc6c0 (most recent call first):
  File "/site-packages/ipykernel/parentpoller.py", line 62 in run
  File "/lib/python3.11/threading.py", line 1002 in _bootstrap

Current thread 0x00007f8d13be6b80 (most recent call first):
  File "/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/tmp/ipykernel_15921/11.py", line 2 in helper
  File "/tmp/ipykernel_15921/4019001946.py", line 3 in boom
  File "/tmp/ipykernel_15921/4019001946.py", line 4 in <module>
  File "/site-packages/IPython/core/interactiveshell.py", line 3823 in run_code
  File "<frozen runpy>", line 198 in _run_module_as_main

Extension modules: zmq.backend.cython._zmq (total: 1)"""
SOURCE = ["import ctypes", "def boom(p):", "    helper(p)", "boom(0)"]


def test_only_the_thread_at_fault_is_kept_down_to_user_code() -> None:
    """Neither the threads of the kernel nor what runs a cell helps whoever reads it."""
    lines = at_fault(KERNEL).splitlines()
    assert lines[0] == "most recent call first:"
    assert "string_at" in lines[1]
    assert "<module>" in lines[-1]
    assert len(lines) == 5


def test_frames_of_the_cell_are_named_and_quoted() -> None:
    """The cell that ran is the outermost cell on the stack; another cell's frames keep their file."""
    assert with_cell(at_fault(KERNEL), "In[7]", SOURCE).splitlines()[2:] == [
        '  File "/tmp/ipykernel_15921/11.py", line 2 in helper',
        "  In[7] line 3 in boom: helper(p)",
        "  In[7] line 4: boom(0)",
    ]


def test_a_program_keeps_all_its_frames() -> None:
    """Where no cell is on the stack, nothing says where user code ends. Without a thread that failed, the last one is shown."""
    text = 'Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  File "a.py", line 2 in f\n  File "a.py", line 9 in <module>'
    assert at_fault(text).count("File") == 2
    assert with_cell(at_fault(text), "In[1]", ["x"]) == at_fault(text)
    assert at_fault(text.replace("Current thread", "Thread")) == at_fault(text)


def test_text_without_threads_stays_as_it_is() -> None:
    """A fault so early, or a report so short, that there is no stack."""
    assert at_fault("Fatal Python error: Segmentation fault") == "Fatal Python error: Segmentation fault"
    assert with_cell("no stack", "In[1]", []) == "no stack"


def test_a_cell_shorter_than_its_line_is_named_all_the_same() -> None:
    """The source is that of the recording; a magic may have made the code longer."""
    assert with_cell(at_fault(KERNEL), "In[7]", SOURCE[:1]).splitlines()[-1] == "  In[7] line 4"


def test_a_deep_stack_is_cut_in_its_middle() -> None:
    """At a small budget the context keeps where it failed and the user code, and says how much lies between."""
    from store_suite import Story

    from agentlog import context
    from agentlog.events import ProcessDied
    from agentlog.store import Store

    frames = [f'  File "/lib/deep.py", line {at} in step{at}' for at in range(40)]
    stack = "\n".join(
        ["Current thread 0x1 (most recent call first):", *frames, '  File "/tmp/ipykernel_1/2.py", line 1 in <module>']
    )
    store, story = Store.in_memory(), Story()
    session = story.session()
    story.cell(session, 1, "deep()", status=None)
    story.add(ProcessDied(session=session, exit_code=-11, signal="SIGSEGV", stack=stack))
    for event in story.events:
        store.add(event)
    text = context.build(store).render("text", max_tokens=200)
    assert "step0" in text
    assert "... 35 more" in text
    assert "In[1] line 1: deep()" in text
