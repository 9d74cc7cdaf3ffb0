"""The action modules by their names (4.4); each stands in a module of its own."""

from __future__ import annotations

from goldsmith.executor.actions.append_file import append_file
from goldsmith.executor.actions.assertion import Assertion
from goldsmith.executor.actions.copy_file import copy_file
from goldsmith.executor.actions.copy_folder import copy_folder
from goldsmith.executor.actions.create_file import create_file
from goldsmith.executor.actions.create_folder import create_folder
from goldsmith.executor.actions.create_symlink import create_symlink
from goldsmith.executor.actions.delete_file import delete_file
from goldsmith.executor.actions.delete_folder import delete_folder
from goldsmith.executor.actions.execute_bash import execute_bash
from goldsmith.executor.actions.execute_binary import execute_binary
from goldsmith.executor.actions.execute_document import execute_document
from goldsmith.executor.actions.list_files import list_files
from goldsmith.executor.actions.move_file import move_file
from goldsmith.executor.actions.move_folder import move_folder
from goldsmith.executor.actions.operations import Action, ListAction, MapAction
from goldsmith.executor.actions.read_file import read_file
from goldsmith.executor.actions.reboot import reboot
from goldsmith.executor.actions.s3_download import s3_download
from goldsmith.executor.actions.s3_upload import s3_upload
from goldsmith.executor.actions.set_file_encoding import set_file_encoding
from goldsmith.executor.actions.set_file_owner import set_file_owner
from goldsmith.executor.actions.set_file_permissions import set_file_permissions
from goldsmith.executor.actions.set_folder_owner import set_folder_owner
from goldsmith.executor.actions.set_folder_permissions import set_folder_permissions
from goldsmith.executor.actions.unsupported import Unsupported
from goldsmith.executor.actions.update_os import update_os
from goldsmith.executor.actions.web_download import web_download

__all__ = ["ACTIONS", "Action"]

ACTIONS: dict[str, Action] = {
    "AppendFile": ListAction(append_file),
    "Assert": Assertion(),
    "CopyFile": ListAction(copy_file),
    "CopyFolder": ListAction(copy_folder),
    "CreateFile": ListAction(create_file),
    "CreateFolder": ListAction(create_folder),
    "CreateSymlink": ListAction(create_symlink),
    "DeleteFile": ListAction(delete_file),
    "DeleteFolder": ListAction(delete_folder),
    "ExecuteBash": MapAction(execute_bash),
    "ExecuteBinary": MapAction(execute_binary),
    "ExecuteDocument": MapAction(execute_document),
    "ExecutePowerShell": Unsupported(),
    "InstallMSI": Unsupported(),
    "ListFiles": ListAction(list_files),
    "MoveFile": ListAction(move_file),
    "MoveFolder": ListAction(move_folder),
    "ReadFile": ListAction(read_file),
    "Reboot": MapAction(reboot),
    "S3Download": ListAction(s3_download),
    "S3Upload": ListAction(s3_upload),
    "SetFileEncoding": ListAction(set_file_encoding),
    "SetFileOwner": ListAction(set_file_owner),
    "SetFilePermissions": ListAction(set_file_permissions),
    "SetFolderOwner": ListAction(set_folder_owner),
    "SetFolderPermissions": ListAction(set_folder_permissions),
    "SetRegistry": Unsupported(),
    "UninstallMSI": Unsupported(),
    "UpdateOS": MapAction(update_os),
    "WebDownload": ListAction(web_download),
}
